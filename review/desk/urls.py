"""The addresses of the review desk, below ``/admin/desk/``."""

from django.urls import path

from review.desk import list_acts, queue_pages, summary_page, together_pages, views

app_name = "desk"
urlpatterns = [
    path("", views.start, name="start"),
    path("queues/", queue_pages.every_queue, name="queues"),
    path("queues/<slug:key>/", queue_pages.one_queue, name="queue"),
    path("tasks/", queue_pages.every_task, name="tasks"),
    path("tasks/several/", list_acts.act_on_several, name="several"),
    path("filters/", list_acts.save_filter, name="save-filter"),
    path("filters/<int:filter_id>/", list_acts.change_filter, name="change-filter"),
    path("summary/", summary_page.summary, name="summary"),
    path("together/", together_pages.alike, name="together"),
    path("together/<int:batch_id>/undo/", together_pages.undo, name="together-undo"),
    path("<int:task_id>/", views.review, name="review"),
    path("<int:task_id>/heartbeat/", views.heartbeat, name="heartbeat"),
    path("<int:task_id>/undo/", views.undo, name="undo"),
    path("<int:task_id>/input/", views.whole_input, name="input"),
    path("attachments/<int:attachment_id>/", views.attachment, name="attachment"),
]
