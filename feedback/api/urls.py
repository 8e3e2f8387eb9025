from django.urls import URLPattern, URLResolver, path

from feedback.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/<int:pk>/outcome/", views.ReportOutcome.as_view(), name="case-outcome"),
]
