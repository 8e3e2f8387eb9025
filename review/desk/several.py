"""Several tasks at once, for those who lead: each is its own act with its own permission check, and tells how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import visible
from cases.errors import Forbidden, Invalid, Refused
from review import claims, handing
from review.access import team
from review.models import Queue, ReviewTask

MOST = 100
MOST_NAMED = 200
ORIGIN = "admin"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with each task: why, and to whom it goes (a person's name or a queue's key), where that matters."""

    by: User
    reason: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """``goes`` is what has to be named before it can be done: a person, a queue, or nothing."""

    verb: str
    name: str | Promise
    permission: str
    perform: Callable[[int, Wish], object]
    goes: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went with one task. A task that one may not see is told by its number alone."""

    task_id: int
    case_id: int | None
    done: bool
    text: str


def offered(user: User) -> list[Act]:
    """The acts that the account's permissions allow."""
    return [act for act in ACTS if user.has_perm(act.permission)]


def act_of(user: User, verb: str) -> Act:
    """Raises: Forbidden when there is no such act for this account."""
    found = next((act for act in offered(user) if act.verb == verb), None)
    if found is None:
        raise Forbidden(_("You may not do this."))
    return found


def targets(act: Act) -> list[tuple[str, str]]:
    """To whom or where the act may go: what is sent, and what it is called."""
    if act.goes == "person":
        people = team().filter(is_active=True).order_by("username")[:MOST_NAMED]
        return [(one.username, one.get_full_name() or one.username) for one in people]
    return list(Queue.objects.order_by("name").values_list("key", "name")[:MOST_NAMED]) if act.goes else []


def perform(user: User, verb: str, task_ids: Sequence[int], *, reason: str, to: str = "") -> list[Outcome]:
    """Do the same with each of these tasks, each in a transaction of its own: what fails for one leaves the others alone.

    Raises: Forbidden when the account may not do this at all, Invalid without tasks or with too many.
    """
    act = act_of(user, verb)
    if not 0 < len(task_ids) <= MOST:
        raise Invalid(_("Choose 1 to %(most)d tasks.") % {"most": MOST})
    wish = Wish(by=user, reason=reason, to=to)
    seen = visible(user, ReviewTask.objects.filter(pk__in=task_ids), "review.view_reviewtask")
    cases = dict(seen.values_list("pk", "case_id"))
    return [_outcome(act, task_id, cases.get(task_id), wish) for task_id in dict.fromkeys(task_ids)]


def _outcome(act: Act, task_id: int, case_id: int | None, wish: Wish) -> Outcome:
    try:
        act.perform(task_id, wish)
    except Refused as refusal:
        texts = [refusal.message, *(text for texts in refusal.errors.values() for text in texts)]
        return Outcome(task_id, case_id, done=False, text=" ".join(texts))
    return Outcome(task_id, case_id, done=True, text=_("done"))


def _take_away(task_id: int, wish: Wish) -> None:
    claims.take_away(task_id, by=wish.by, reason=wish.reason, origin=ORIGIN)


def _to_person(task_id: int, wish: Wish) -> None:
    handing.hand_to_person(task_id, user=wish.by, to=wish.to, note=wish.reason, origin=ORIGIN)


def _to_queue(task_id: int, wish: Wish) -> None:
    handing.hand_to_queue(task_id, user=wish.by, to=wish.to, note=wish.reason, origin=ORIGIN)


def _raise(task_id: int, wish: Wish) -> None:
    handing.raise_for(task_id, user=wish.by, note=wish.reason, origin=ORIGIN)


ACTS = (
    Act("take_away", gettext_lazy("Take away"), "review.release_any_reviewtask", _take_away),
    Act("to_person", gettext_lazy("Hand to a person …"), handing.ASSIGN, _to_person, goes="person"),
    Act("to_queue", gettext_lazy("Hand to a queue …"), handing.ASSIGN, _to_queue, goes="queue"),
    Act("raise", gettext_lazy("Raise"), handing.ASSIGN, _raise),
)
