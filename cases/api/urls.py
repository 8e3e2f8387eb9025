from django.urls import URLPattern, URLResolver, path

from cases.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/", views.Cases.as_view(), name="case-list"),
    path("cases/bulk/", views.BulkCases.as_view(), name="case-bulk"),
]
