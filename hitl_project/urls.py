"""Every address, at a glance."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from hitl_project import health, prometheus, queues

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", prometheus.exposition, name="prometheus"),
    path("admin/rq/", include((queues.urlpatterns, "django_rq"))),
    path("admin/desk/", include("review.desk.urls")),
    path("admin/", include("feedback.urls")),
    path("admin/", admin.site.urls),
    path("reports/", include("metrics.urls")),
    path("api/v1/", include("hitl_project.api_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
if settings.OIDC_ENABLED:
    urlpatterns.append(path("accounts/", include("allauth.urls")))

handler400 = "hitl_project.errors.bad_request"
handler403 = "hitl_project.errors.forbidden"
handler404 = "hitl_project.errors.not_found"
handler500 = "hitl_project.errors.failed"
