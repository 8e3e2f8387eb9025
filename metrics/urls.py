from django.urls import URLPattern, URLResolver, path

from metrics import views

app_name = "reports"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.report, name="report"),
    path("<slug:name>.csv", views.table, name="table"),
]
