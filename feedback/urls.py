"""Addresses beside the lists of the admin: how each person decides, and the team."""

from django.contrib import admin
from django.urls import path

from feedback import people_pages

app_name = "people"
urlpatterns = [
    path("how-i-decide/", admin.site.admin_view(people_pages.how_i_decide), name="mine"),
    path("team/", admin.site.admin_view(people_pages.team), name="team"),
]
