"""The addresses of a house with single sign-on: `hitl_project.urls` has them only where it is set up."""

from django.urls import include, path

from hitl_project import urls

urlpatterns = [*urls.urlpatterns, path("accounts/", include("allauth.urls"))]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
