from django.urls import URLPattern, URLResolver, path

from review.api import keeping_views, task_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases/<int:pk>/", views.CaseDetail.as_view(), name="case-detail"),
    path("cases/<int:pk>/reopen/", views.Reopen.as_view(), name="case-reopen"),
    path("cases/<int:pk>/request-reopening/", views.RequestReopening.as_view(), name="case-request-reopening"),
    path("cases/<int:pk>/notes/", keeping_views.Notes.as_view(), name="case-notes"),
    path("tasks/", task_views.Tasks.as_view(), name="task-list"),
    path("tasks/claim/", task_views.ClaimNext.as_view(), name="task-claim-next"),
    path("tasks/<int:pk>/claim/", task_views.Claim.as_view(), name="task-claim"),
    path("tasks/<int:pk>/heartbeat/", task_views.Heartbeat.as_view(), name="task-heartbeat"),
    path("tasks/<int:pk>/release/", task_views.Release.as_view(), name="task-release"),
    path("tasks/<int:pk>/raise/", task_views.Raise.as_view(), name="task-raise"),
    path("tasks/<int:pk>/hold/", keeping_views.Hold.as_view(), name="task-hold"),
    path("tasks/<int:pk>/resume/", keeping_views.Resume.as_view(), name="task-resume"),
    path("tasks/<int:pk>/snooze/", keeping_views.Snooze.as_view(), name="task-snooze"),
    path("tasks/<int:pk>/wake/", keeping_views.Wake.as_view(), name="task-wake"),
    path("tasks/<int:pk>/skip/", keeping_views.Skip.as_view(), name="task-skip"),
    path("tasks/<int:pk>/assign/", keeping_views.Assign.as_view(), name="task-assign"),
    path("tasks/<int:pk>/help/", keeping_views.Help.as_view(), name="task-help"),
    path("tasks/<int:pk>/take-away/", keeping_views.TakeAway.as_view(), name="task-take-away"),
    path("tasks/<int:pk>/answer/", task_views.FirstAnswer.as_view(), name="task-answer"),
    path("tasks/<int:pk>/decide/", task_views.Decide.as_view(), name="task-decide"),
    path("decisions/", views.Decisions.as_view(), name="decision-list"),
    path("decisions/<int:pk>/approve/", views.Approve.as_view(), name="decision-approve"),
    path("decisions/<int:pk>/send-back/", views.SendBack.as_view(), name="decision-send-back"),
    path("decisions/<int:pk>/undo/", views.Undo.as_view(), name="decision-undo"),
    path("decisions/<int:pk>/override/", views.Override.as_view(), name="decision-override"),
    path("queues/", views.Queues.as_view(), name="queue-list"),
    path("policies/", views.Policies.as_view(), name="policy-list"),
    path("case-types/", views.CaseTypes.as_view(), name="case-type-list"),
]
