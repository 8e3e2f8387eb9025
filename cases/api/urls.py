from django.urls import URLPattern, URLResolver, path

from cases.api import case_views, views, webhook_views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/", views.Cases.as_view(), name="case-list"),
    path("cases/bulk/", views.BulkCases.as_view(), name="case-bulk"),
    path("cases/<int:case_id>/events/", case_views.CaseEvents.as_view(), name="case-events"),
    path("cases/<int:case_id>/cancel/", case_views.CancelCase.as_view(), name="case-cancel"),
    path("cases/<int:case_id>/prediction/", case_views.SupplyPrediction.as_view(), name="case-prediction"),
    path("cases/<int:case_id>/attachments/", case_views.CaseAttachments.as_view(), name="case-attachments"),
    path(
        "cases/<int:case_id>/attachments/<int:attachment_id>/",
        case_views.DownloadAttachment.as_view(),
        name="case-attachment",
    ),
    path("webhooks/", webhook_views.Webhooks.as_view(), name="webhook-list"),
    path("webhooks/<int:endpoint_id>/redeliver/", webhook_views.Redeliver.as_view(), name="webhook-redeliver"),
]
