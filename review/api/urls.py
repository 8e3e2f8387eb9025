from django.urls import URLPattern, URLResolver, path

from review.api import task_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/<int:pk>/", views.CaseDetail.as_view(), name="case-detail"),
    path("cases/<int:pk>/reopen/", views.Reopen.as_view(), name="case-reopen"),
    path("tasks/", task_views.Tasks.as_view(), name="task-list"),
    path("tasks/claim/", task_views.ClaimNext.as_view(), name="task-claim-next"),
    path("tasks/<int:pk>/claim/", task_views.Claim.as_view(), name="task-claim"),
    path("tasks/<int:pk>/heartbeat/", task_views.Heartbeat.as_view(), name="task-heartbeat"),
    path("tasks/<int:pk>/release/", task_views.Release.as_view(), name="task-release"),
    path("tasks/<int:pk>/raise/", task_views.Raise.as_view(), name="task-raise"),
    path("tasks/<int:pk>/answer/", task_views.FirstAnswer.as_view(), name="task-answer"),
    path("tasks/<int:pk>/decide/", task_views.Decide.as_view(), name="task-decide"),
    path("decisions/", views.Decisions.as_view(), name="decision-list"),
    path("decisions/<int:pk>/approve/", views.Approve.as_view(), name="decision-approve"),
    path("decisions/<int:pk>/undo/", views.Undo.as_view(), name="decision-undo"),
    path("decisions/<int:pk>/override/", views.Override.as_view(), name="decision-override"),
    path("queues/", views.Queues.as_view(), name="queue-list"),
    path("policies/", views.Policies.as_view(), name="policy-list"),
    path("case-types/", views.CaseTypes.as_view(), name="case-type-list"),
]
