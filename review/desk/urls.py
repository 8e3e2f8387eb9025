"""The addresses of the review desk, below ``/admin/desk/``."""

from django.urls import path

from review.desk import views

app_name = "desk"
urlpatterns = [
    path("", views.start, name="start"),
    path("<int:task_id>/", views.review, name="review"),
    path("<int:task_id>/heartbeat/", views.heartbeat, name="heartbeat"),
    path("<int:task_id>/undo/", views.undo, name="undo"),
    path("<int:task_id>/input/", views.whole_input, name="input"),
    path("attachments/<int:attachment_id>/", views.attachment, name="attachment"),
]
