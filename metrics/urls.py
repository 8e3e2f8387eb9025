from django.urls import URLPattern, URLResolver, path

from metrics import downloads, views, views_behind, views_digest
from metrics.pages import KINDS

app_name = "reports"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.page, name="report"),
    path("cases/", views_behind.cases, name="cases"),
    path("weekly/", views_digest.digest, name="digest"),
    path("weekly/preview/", views_digest.preview, name="preview"),
    path("weekly/end/<str:token>/", views_digest.unsubscribe, name="unsubscribe"),
    *(path(f"{key}/", views.page, {"key": key}, name=key) for key in KINDS if key != "overview"),
    path("<slug:key>.<slug:form>", downloads.whole, name="whole"),
    path("<slug:key>/<slug:name>.<slug:form>", downloads.table, name="table"),
]
