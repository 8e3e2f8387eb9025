"""The answers of the desk as HTML: the review page, the empty desk, and what has just been done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import visible
from cases.errors import Invalid, Refused
from cases.models.choices import State
from review.desk.answers import Typed, number
from review.desk.entry import reader
from review.desk.form import with_errors
from review.desk.screen import Screen, undo_until
from review.desk.work import my_claims, my_day, queue_states
from review.models import Decision, ReviewTask


@dataclass(frozen=True, slots=True)
class Done:
    """What the reader has just done, for the toast on the next page."""

    task_id: int
    text: str
    undo: bool
    seconds: int


def review_page(
    request: HttpRequest, screen: Screen, *, typed: Typed | None = None, refusal: Refused | None = None
) -> HttpResponse:
    """A task's page; with ``typed`` the form keeps what was typed, with ``refusal`` it says why nothing was done."""
    if typed is not None:
        screen.fields = typed.fields
    if isinstance(refusal, Invalid):
        screen.fields, screen.messages = with_errors(screen.fields, refusal.errors)
    context = {
        **_frame(request, _("Case #%(id)s") % {"id": screen.case.pk}),
        "screen": screen,
        "task": screen.task,
        "case": screen.case,
        "machine": screen.machine,
        "typed": typed,
        "refusal": refusal,
        "lost": bool(refusal and refusal.code == "lease-lost"),
        "changed": bool(refusal and refusal.code == "content-changed"),
        "sees_every_case": screen.user.has_perm("cases.view_every_case"),
    }
    return TemplateResponse(request, "review/desk.html", context, status=refusal.status if refusal else 200)


def empty_desk(request: HttpRequest) -> HttpResponse:
    """Nothing on the desk: what waits, what others hold, or that all is done."""
    user = reader(request)
    queues = [state for state in queue_states(user) if state.mine]
    context = {
        **_frame(request, _("Review desk")),
        "queues": queues,
        "waiting": sum(state.waiting for state in queues),
        "claimed": sum(state.claimed for state in queues),
        "my_claims": my_claims(user),
        "day": my_day(user),
    }
    return TemplateResponse(request, "review/empty_desk.html", context)


def _frame(request: HttpRequest, title: str) -> dict[str, Any]:
    asked = {**request.GET.dict(), **request.POST.dict()}
    return {
        **admin.site.each_context(request),
        "title": title,
        "queue": asked.get("queue", "")[:64],
        "done": done(reader(request), number(asked.get("after", ""))),
    }


def done(user: User, task_id: int) -> Done | None:
    """What became of a task that the reader has just left, and whether it can still be undone."""
    if task_id <= 0:
        return None
    rows = visible(user, ReviewTask.objects.all(), "review.view_reviewtask").filter(pk=task_id)
    task = rows.select_related("case", "decision__policy").defer("case__payload", "case__context", "trace").first()
    if task is None:
        return None
    decision = getattr(task, "decision", None)
    seconds = _undo_seconds(decision, user) if decision else 0
    undo = seconds > 0 or bool(decision and _waits(decision) and decision.decided_by_id == user.pk)
    return Done(task.pk, _done_text(task, decision), undo, seconds)


def _waits(decision: Decision) -> bool:
    """Held for a second approval that has not been given: nothing has left, so it can be taken back."""
    waiting = ReviewTask.objects.open().filter(case=decision.case_id, reason="second_approval")
    return decision.held and decision.case.state == State.DECIDED and waiting.exists()


def _undo_seconds(decision: Decision, user: User) -> int:
    if decision.decided_by_id != user.pk or decision.held or decision.case.state != State.DECIDED:
        return 0
    return max(0, int((undo_until(decision) - timezone.now()).total_seconds()))


def _done_text(task: ReviewTask, decision: Decision | None) -> str:
    told = {"id": task.case_id}
    if decision is not None:
        words = {**told, "outcome": decision.get_outcome_display(), "label": decision.label or "–"}
        if decision.held:
            return _("Decided #%(id)s: %(outcome)s, %(label)s. It waits for a second approval.") % words
        return _("Decided #%(id)s: %(outcome)s, %(label)s.") % words
    if task.closed_at is None:
        return _("Released #%(id)s to its queue.") % told
    if task.ending == ReviewTask.Ending.RAISED:
        return _("Raised #%(id)s.") % told
    if task.reason == "second_approval":
        return _("Second approval of #%(id)s is done.") % told
    return _("Read #%(id)s. Thank you.") % told
