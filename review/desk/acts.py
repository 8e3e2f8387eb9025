"""What the buttons of the review page do: each calls one verb of the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.translation import gettext as _

from cases.errors import Conflict, Invalid
from review import approve, claims, decide, drafts, handing, holding
from review.desk import moments
from review.desk.answers import Typed, typed
from review.desk.screen import form_of, held_decision, read_task
from review.models import Decision, ReviewTask

ORIGIN = "admin"


@dataclass(frozen=True, slots=True)
class Then:
    """Where to go from an act, and what to say there where the page would not say it anyhow."""

    where: str
    said: str = ""


NEXT, STAY, KEEP, LEAVE = Then("next"), Then("stay"), Then("keep"), Then("leave")
Act = Callable[[User, ReviewTask, Typed], Then]


def read_submission(user: User, task_id: int, data: QueryDict) -> tuple[ReviewTask, Typed]:
    """The task, and what was typed, read against the form as it stands now.

    Raises: Missing where the account may not see the task.
    """
    task = read_task(user, task_id)
    fields, shown = form_of(task)
    return task, typed(data, task=task, fields=fields, shown=shown)


def perform(user: User, task: ReviewTask, what: Typed) -> Then:
    """Do what the pressed button says; tells where to go from there.

    Raises: every refusal of the verbs.
    """
    act = ACTS.get(what.verb)
    if act is None:
        raise Invalid(_("Choose what to do."))
    return act(user, task, what)


def _decide(user: User, task: ReviewTask, what: Typed) -> Then:
    if what.faulty:
        raise Invalid(_("Some fields need another look."))
    answer = what.answer(what.shown)
    decide.decide(task.pk, user=user, lease_token=what.lease_token, digest=what.digest, answer=answer, origin=ORIGIN)
    return NEXT


def _answer_first(user: User, task: ReviewTask, what: Typed) -> Then:
    if what.faulty:
        raise Invalid(_("Some fields need another look."))
    decide.first_answer(
        task.pk, user=user, lease_token=what.lease_token, digest=what.digest, output=what.output or {}, origin=ORIGIN
    )
    drafts.start_over(task.pk, user=user)
    return STAY


def _raise(user: User, task: ReviewTask, what: Typed) -> Then:
    claims.raise_task(task.pk, user=user, lease_token=what.lease_token, reason=what.note or what.reason, origin=ORIGIN)
    return NEXT


def _release(user: User, task: ReviewTask, what: Typed) -> Then:
    claims.release(task.pk, user=user, lease_token=what.lease_token, origin=ORIGIN)
    return LEAVE


def _claim(user: User, task: ReviewTask, what: Typed) -> Then:
    claims.claim(task.pk, user=user, origin=ORIGIN)
    return STAY


def _reclaim(user: User, task: ReviewTask, what: Typed) -> Then:
    """Claim again after the lease was lost; what was typed stays on the page."""
    claims.claim(task.pk, user=user, origin=ORIGIN)
    return KEEP


def _accept(user: User, task: ReviewTask, what: Typed) -> Then:
    held = _held(user, task, what)
    approve.approve(held.pk, by=user, origin=ORIGIN, note=what.note, digest=what.digest)
    return NEXT


def _send_back(user: User, task: ReviewTask, what: Typed) -> Then:
    held = _held(user, task, what)
    approve.send_back(held.pk, by=user, note=what.note, origin=ORIGIN, digest=what.digest)
    return NEXT


def _held(user: User, task: ReviewTask, what: Typed) -> Decision:
    """The decision that this claimed task asks a second person about.

    Raises: Conflict when the claim is lost, or the decision is no longer the one that was shown.
    """
    if not ReviewTask.objects.claimed().filter(pk=task.pk, assignee=user, lease_token=what.lease_token).exists():
        raise Conflict(claims.lost_because(task.pk), code="lease-lost")
    decision = held_decision(task)
    if decision is None:
        raise Conflict(_("This decision does not wait for a second approval any more."), code="content-changed")
    return decision


def _hold(user: User, task: ReviewTask, what: Typed) -> Then:
    holding.hold(task.pk, user=user, lease_token=what.lease_token, reason=what.reason, origin=ORIGIN)
    return NEXT


def _resume(user: User, task: ReviewTask, what: Typed) -> Then:
    holding.resume(task.pk, user=user, origin=ORIGIN)
    return STAY


def _snooze(user: User, task: ReviewTask, what: Typed) -> Then:
    until = moments.chosen(what.asked.get("for", ""), what.asked.get("until", ""))
    holding.snooze(task.pk, user=user, lease_token=what.lease_token, until=until, reason=what.reason, origin=ORIGIN)
    return NEXT


def _wake(user: User, task: ReviewTask, what: Typed) -> Then:
    holding.wake(task.pk, user=user, origin=ORIGIN)
    return STAY


def _skip(user: User, task: ReviewTask, what: Typed) -> Then:
    holding.skip(task.pk, user=user, lease_token=what.lease_token, reason=what.reason, origin=ORIGIN)
    return NEXT


def _hand_over(user: User, task: ReviewTask, what: Typed) -> Then:
    """To the person named, or else to the queue; without a claim of one's own, by the right to hand over anybody's."""
    person, token = what.asked.get("person", ""), what.lease_token if what.lease_token >= 0 else None
    hand = handing.hand_to_person if person else handing.hand_to_queue
    to = person or what.asked.get("to_queue", "")
    hand(task.pk, user=user, to=to, note=what.note, lease_token=token, origin=ORIGIN)
    return NEXT if token is not None else STAY


def _ask_help(user: User, task: ReviewTask, what: Typed) -> Then:
    asked = handing.ask_help(task.pk, user=user, question=what.note, to=what.asked.get("person", ""), origin=ORIGIN)
    return Then(STAY.where, _("Asked for help: %(names)s.") % {"names": ", ".join(asked)})


def _take_away(user: User, task: ReviewTask, what: Typed) -> Then:
    claims.take_away(task.pk, by=user, reason=what.note, origin=ORIGIN)
    return STAY


ACTS: dict[str, Act] = {
    "approve": _decide,
    "amend": _decide,
    "reject": _decide,
    "machine": _decide,
    "answer": _answer_first,
    "raise": _raise,
    "release": _release,
    "claim": _claim,
    "reclaim": _reclaim,
    "accept": _accept,
    "send_back": _send_back,
    "hold": _hold,
    "resume": _resume,
    "snooze": _snooze,
    "wake": _wake,
    "skip": _skip,
    "hand_over": _hand_over,
    "help": _ask_help,
    "take_away": _take_away,
}
