from django.urls import URLPattern, URLResolver, path

from metrics.api import views

urlpatterns: list[URLPattern | URLResolver] = [path("metrics/", views.MetricsView.as_view(), name="metrics")]
