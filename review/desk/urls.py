"""The addresses of the review desk, below ``/admin/desk/``."""

from django.urls import path

from review.desk import file_views, list_acts, pulse, queue_pages, summary_page, together_pages, views

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
    path("<int:task_id>/heartbeat/", pulse.heartbeat, name="heartbeat"),
    path("<int:task_id>/draft/", pulse.draft, name="draft"),
    path("<int:task_id>/handing/", views.handing, name="handing"),
    path("<int:task_id>/note/", views.note, name="note"),
    path("session/", pulse.session, name="session"),
    path("keys/", pulse.keys, name="keys"),
    path("<int:task_id>/undo/", views.undo, name="undo"),
    path("<int:task_id>/input/", file_views.whole_input, name="input"),
    path("attachments/<int:attachment_id>/", file_views.attachment, name="attachment"),
    path("attachments/<int:attachment_id>/picture/", file_views.picture, name="picture"),
    path("attachments/<int:attachment_id>/pages/<int:number>/", file_views.pdf_page, name="page"),
]
