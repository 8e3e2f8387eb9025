"""Which rows are whose: cases, tasks and decisions by queue, source and authorship; acts and accounts by team.

Queue membership limits rows, permissions limit verbs. Every rule reads permissions only, never a role's name, so that an
operator's own groups work like ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.access import EVERYTHING, NOTHING, scope_of
from cases.models import AuditEvent, Case, Prediction
from cases.scopes import sees_every_case, with_their_cases
from review.models import Approval, Decision, Notice, Policy, Queue, ReviewTask
from review.planted import hides, not_for, seen_in

SENDER_VERBS = frozenset(
    {"cases.cancel_case", "cases.predict_case", "cases.add_attachment", "feedback.add_outcomereport"}
)
CLAIM_VERBS = frozenset({"review.decide_reviewtask", "review.raise_reviewtask"})
# Each queue, its kind, and whether the account is in one of its groups: asked at the beginning of nearly every request.
QUEUES = """
SELECT q.id, q.kind, EXISTS (
    SELECT 1 FROM review_queue_groups g JOIN auth_user_groups m ON m.group_id = g.group_id
    WHERE g.queue_id = q.id AND m.user_id = %s
) FROM review_queue q
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """The ids of the queues from which an account may claim."""

    ordinary: frozenset[int]
    quality: frozenset[int]

    @property
    def queues(self) -> frozenset[int]:
        return self.ordinary | self.quality


def desk_of(user: User) -> Desk:
    """Where the account may work, read once per instance.

    A quality queue is read by those of its groups who may read quality, and by nobody else, however senior.
    """
    if "_desk" not in vars(user):
        vars(user)["_desk"] = _read_desk(user)
    desk: Desk = vars(user)["_desk"]
    return desk


def _read_desk(user: User) -> Desk:
    if not (user.has_perm("review.work_ordinary_queues") or user.has_perm("review.work_quality_queues")):
        return Desk(frozenset(), frozenset())
    with connection.cursor() as cursor:
        cursor.execute(QUEUES, [user.pk])
        rows = cursor.fetchall()
    everywhere, quality = user.has_perm("review.work_every_queue"), Queue.Kind.QUALITY
    ordinary = {pk for pk, kind, belongs in rows if kind != quality and (belongs or everywhere)}
    read = {pk for pk, kind, belongs in rows if kind == quality and belongs}
    return Desk(
        ordinary=frozenset(ordinary if user.has_perm("review.work_ordinary_queues") else ()),
        quality=frozenset(read if user.has_perm("review.work_quality_queues") else ()),
    )


@scope_of(Case)
def cases(user: User, verb: str) -> Q:
    sent = Q(sender=user) if user.has_perm("cases.add_case") else NOTHING
    if verb in SENDER_VERBS:
        return sent
    if sees_every_case(user):
        return seen_in(user)
    if verb == "cases.comment_case":
        return _has_task(Q(assignee=user, closed_at=None)) | (_was_told(user) & _has_task(_theirs(user)))
    return sent | (_has_task(_theirs(user)) & seen_in(user) & ~hides(user, "pk"))


@scope_of(ReviewTask)
def tasks(user: User, verb: str) -> Q:
    return _tasks(user, verb) & ~not_for(user)


def _tasks(user: User, verb: str) -> Q:
    if verb == "review.view_reviewtask":
        return with_their_cases(user) if user.has_perm("cases.add_case") or sees_every_case(user) else _theirs(user)
    if verb == "review.release_any_reviewtask":
        return EVERYTHING
    if verb == "review.raise_reviewtask" and user.has_perm("review.work_every_queue"):
        return _workable(user)
    return _workable(user) & Q(assignee=user) if verb in CLAIM_VERBS else _workable(user)


@scope_of(Decision)
def decisions(user: User, verb: str) -> Q:
    """Nobody gives the second approval on a case that they have decided, in whatever version: not by way of undoing,
    sending back or deciding again either. Who may override undoes anybody's decision, everybody else their own."""
    if verb == "review.approve_decision":
        earlier = Decision.objects.filter(case=OuterRef("case"), decided_by=user)
        return with_their_cases(user) & ~Q(Exists(earlier))
    if verb == "review.undo_decision" and not user.has_perm("review.override_decision"):
        return Q(decided_by=user)
    return with_their_cases(user) & ~hides(user)


@scope_of(Approval)
def approvals(user: User, verb: str) -> Q:
    return with_their_cases(user, "decision__case") & ~hides(user, "decision__case")


@scope_of(Prediction)
def predictions(user: User, verb: str) -> Q:
    """What the machine said is hidden from those who are to read the case blind, until somebody has answered."""
    blind = ReviewTask.objects.filter(case=OuterRef("case"), closed_at=None, blind=True, first_answer__isnull=True)
    known = ~hides(user)
    return with_their_cases(user) & known & ~Q(Exists(blind.filter(queue__in=desk_of(user).queues)))


@scope_of(Policy)
def policies(user: User, verb: str) -> Q:
    """Everybody who may see policies sees all; nobody approves their own change."""
    return ~Q(author_account=user) if verb == "review.approve_policy" else EVERYTHING


@scope_of(Queue)
def queues(user: User, verb: str) -> Q:
    """``review.claim_reviewtask`` on a queue: may claim from it, which is narrower than seeing it."""
    if verb == "review.claim_reviewtask":
        return Q(pk__in=desk_of(user).queues)
    return EVERYTHING if sees_every_case(user) else Q(pk__in=desk_of(user).queues)


@scope_of(AuditEvent)
def audit_events(user: User, verb: str) -> Q:
    """Everybody's, the team's, or one's own acts. Counting needs no rows, so it counts all."""
    if verb == "cases.count_auditevent" or user.has_perm("cases.view_every_auditevent"):
        return EVERYTHING
    own = Q(actor_id=user.pk)
    return own | Q(actor_id__in=team().values("pk")) if user.has_perm("cases.view_team_auditevent") else own


@scope_of(User)
def accounts(user: User, verb: str) -> Q:
    """Who may read every act knows every account; who leads the team knows the team."""
    if user.has_perm("cases.view_every_auditevent"):
        return EVERYTHING
    return Q(pk=user.pk) | Q(pk__in=team().values("pk")) if verb == "auth.view_user" else NOTHING


def team() -> QuerySet[User]:
    """The accounts whose groups work in some ordinary queue, each once."""
    members = Queue.groups.through.objects.exclude(queue__kind=Queue.Kind.QUALITY)
    return User.objects.filter(pk__in=members.values("group__user"))


def _has_task(which: Q) -> Q:
    return Q(Exists(ReviewTask.objects.filter(which, case=OuterRef("pk"))))


def _was_told(user: User) -> Q:
    """Cases on which somebody asked them or named them: whoever is asked may answer."""
    return Q(Exists(Notice.objects.filter(case=OuterRef("pk"), user=user)))


def _theirs(user: User) -> Q:
    """Tasks of their queues, and tasks that are or were in their own hands."""
    held = Q(assignee=user) if user.has_perm("review.claim_reviewtask") else NOTHING
    return Q(queue__in=desk_of(user).queues) | held


def _workable(user: User) -> Q:
    """Tasks they may take up; in a quality queue never a case that they decided themselves."""
    desk, earlier = desk_of(user), Decision.objects.filter(case=OuterRef("case"), decided_by=user)
    earlier = earlier.exclude(task=OuterRef("pk"))
    workable = Q(queue__in=desk.ordinary)
    if user.has_perm("review.work_ordinary_queues"):  # handed to them from a queue that is not theirs
        workable |= Q(assignee=user) & ~Q(queue__kind=Queue.Kind.QUALITY)
    return workable | (Q(queue__in=desk.quality) & ~Q(Exists(earlier))) if desk.quality else workable
