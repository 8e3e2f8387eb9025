from django.urls import URLPattern, URLResolver, path

from feedback.api import dataset_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/<int:pk>/outcome/", views.ReportOutcome.as_view(), name="case-outcome"),
    path("datasets/", dataset_views.Datasets.as_view(), name="datasets"),
    path("datasets/<int:pk>/download/", dataset_views.Download.as_view(), name="dataset-download"),
]
