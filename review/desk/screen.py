"""Everything that one review page shows, read in a bounded number of queries. What must not be shown is not read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, Func, Model, QuerySet
from django.db.models.functions import Now
from django.utils.safestring import SafeString

from cases import hooks
from cases.access import visible
from cases.concealment import concealed_ids
from cases.errors import Missing
from cases.models import Attachment, Case, Prediction
from cases.models.choices import Reason
from review.desk.contexts import Fragment, context_of
from review.desk.fields import Field
from review.desk.files import File, files_of
from review.desk.form import fields_of
from review.desk.inputs import Input, input_of
from review.desk.machine import Machine, machine_of
from review.desk.marking import judged
from review.desk.past import Past, decisions_of, past_of, predictions_of
from review.desk.text import marks_of, rendered
from review.desk.told import told_of
from review.desk.why import Line, lines_of
from review.models import Decision, Note, ReviewTask
from review.shown import conceals, digest_of, shown_prediction

ALIKE = 3
MOST_FILES = 20
# What many cases have none of is asked for only where the task says that it is there.
BESIDE: dict[str, type[Model]] = {"has_files": Attachment, "has_decisions": Decision, "has_notes": Note}


class _Beside(Func):
    """Whether a table has a row on the case; SQL, for it is composed on every page of the desk."""

    template = "EXISTS (SELECT 1 FROM %(table)s b WHERE b.case_id = %(expressions)s)"
    output_field = BooleanField()


class _DraftBeside(Func):
    """Whether the reader has left a draft on the task."""

    template = "EXISTS (SELECT 1 FROM review_draft b WHERE b.task_id = %(expressions)s AND b.user_id = %(user)d)"
    output_field = BooleanField()


@dataclass(slots=True)
class Screen:
    """One task as it stands before one reader."""

    task: ReviewTask
    case: Case
    user: User
    now: datetime
    prediction: Prediction | None
    machine: Machine | None
    input: Input
    context: list[Fragment]
    fields: list[Field]
    guidelines: SafeString
    why: list[Line]
    attachments: list[File]
    earlier_predictions: list[Prediction]
    decisions: list[Decision]
    past: Past
    confusions: list[Any]
    similar: list[Any]
    digest: str
    concealed: bool = False
    messages: list[str] = field(default_factory=list)

    @property
    def scored_fields(self) -> list[Field]:
        """The form, with what the machine said of each field beside it."""
        return judged(self.fields, self.machine) if self.machine else self.fields

    @property
    def revealed(self) -> bool:
        """Read blind, answered, and now shown beside the reader's own answer."""
        return self.task.blind and self.task.first_answer is not None

    @property
    def agrees(self) -> bool:
        """The blind reader's answer is the machine's too."""
        return self.revealed and self.prediction is not None and self.prediction.output == self.task.first_answer

    @property
    def mine(self) -> bool:
        """In the reader's hands to work on: taken up, and not put on hold."""
        return self.in_my_hands and self.task.claimed_at is not None and not self.task.hold_reason

    @property
    def in_my_hands(self) -> bool:
        return self.running and self.task.assignee_id == self.user.pk

    @property
    def handed(self) -> bool:
        """Somebody put it into the reader's hands, and they have not taken it up yet."""
        return self.in_my_hands and self.task.claimed_at is None

    @property
    def taken(self) -> bool:
        """Somebody else holds it now."""
        return self.running and self.task.assignee_id not in (None, self.user.pk)

    @property
    def snoozed(self) -> bool:
        return self.running and self.task.assignee_id is None

    @property
    def running(self) -> bool:
        return self.task.closed_at is None and self.task.lease_until > self.now

    @property
    def free(self) -> bool:
        return self.task.closed_at is None and not self.running

    @property
    def seconds_left(self) -> int:
        return max(0, int((self.task.lease_until - self.now).total_seconds()))

    @property
    def overdue(self) -> bool:
        return self.task.due_at < self.now

    @property
    def held(self) -> Decision | None:
        """The decision that waits for this task's second approval."""
        if self.task.reason != Reason.SECOND_APPROVAL:
            return None
        version = self.case.version
        return next((one for one in self.decisions if one.held and one.case_version == version), None)

    @property
    def held_fields(self) -> list[Field]:
        """The answer that waits for a second approval, beside what the machine said."""
        machine = self.prediction.output if self.prediction else None
        return told_of(self.case.case_type.output_schema, self.held.output, other=machine) if self.held else []

    @property
    def machine_fields(self) -> list[Field]:
        """The machine's answer, where it is only shown; beside a blind reader's own."""
        output = self.prediction.output if self.prediction else None
        own = self.task.first_answer if self.revealed else None
        return told_of(self.case.case_type.output_schema, output, other=own) if output else []

    @property
    def last_decision(self) -> Decision | None:
        return self.decisions[0] if self.decisions else None

    @property
    def may_decide(self) -> bool:
        return self.user.has_perm("review.decide_reviewtask") and self.task.reason != Reason.SECOND_APPROVAL

    @property
    def may_raise(self) -> bool:
        return self.user.has_perm("review.raise_reviewtask") and self.task.reason != Reason.SECOND_APPROVAL

    @property
    def may_give_second_approval(self) -> bool:
        held = self.held
        return held is not None and held.decided_by_id != self.user.pk and self.user.has_perm("review.approve_decision")

    @property
    def may_claim(self) -> bool:
        return (self.free or self.handed) and not self.own_decision and self.user.has_perm("review.claim_reviewtask")

    @property
    def own_decision(self) -> bool:
        """The task asks a second person about what this very reader decided."""
        return self.held is not None and self.held.decided_by_id == self.user.pk

    @property
    def read_afterwards(self) -> bool:
        return self.task.reason == Reason.SAMPLE


def screen_of(user: User, task_id: int) -> Screen:
    """The page of a task.

    Raises: Missing where the account may not see the task.
    """
    task = read_opened(user, task_id)
    case, hidden = task.case, _concealed(user, task)
    predictions = predictions_of(task)
    newest = predictions[0] if predictions else None
    shown = None if hidden else newest
    facts = {"payload": case.payload, "context": case.context}
    marks = marks_of(shown.evidence, facts) if shown else []
    machine = machine_of(shown, task=task, marks=marks) if shown else None
    return Screen(
        task=task,
        case=case,
        user=user,
        now=task.read_at,  # type: ignore[attr-defined]  # annotated: the database's clock
        prediction=shown,
        machine=machine,
        input=input_of(case.payload, marks),
        context=context_of(case.context, marks),
        fields=fields_of(case.case_type.output_schema, _starting_output(task, shown)),
        guidelines=rendered(case.case_type.guidelines),
        why=[] if hidden else lines_of(task.trace),
        attachments=files_of(_attachments(user, task)),
        earlier_predictions=[] if hidden else predictions[1:],
        decisions=decisions_of(task) if task.has_decisions and not hidden else [],  # type: ignore[attr-defined]
        past=past_of(user, task, concealed=hidden),
        confusions=_confusions(case, shown),
        similar=[] if hidden else hooks.ask("similar", case=case, user=user, limit=ALIKE),
        digest=digest_of(task, case, newest),
        concealed=hidden,
    )


def _concealed(user: User, task: ReviewTask) -> bool:
    """Also on the page of an earlier task, while somebody is to read the case blind."""
    return conceals(task) or (task.closed_at is not None and bool(concealed_ids(user, [task.case_id])))


def _attachments(user: User, task: ReviewTask) -> list[Attachment]:
    if not task.has_files:  # type: ignore[attr-defined]  # annotated
        return []
    rows = visible(user, Attachment.objects.filter(case=task.case_id), "cases.view_attachment")
    return list(rows.order_by("id")[:MOST_FILES])


def _confusions(case: Case, shown: Prediction | None) -> list[Any]:
    """What the label that is shown turned out to be, the most frequent first."""
    label = shown.label if shown else ""
    return hooks.ask("confusions", case_type_id=case.case_type_id, label=label, limit=ALIKE) if label else []


def read_task(user: User, task_id: int) -> ReviewTask:
    """The task with its case, without what came in; as ``read_at`` the database's present.

    Raises: Missing where the account may not see it.
    """
    return _found(_tasks(user).defer("case__payload", "case__context", "case__metadata", "trace"), task_id)


def read_opened(user: User, task_id: int) -> ReviewTask:
    """The same with what came in, its policy, and what else there is to be read."""
    more = {name: _Beside("case", table=model._meta.db_table) for name, model in BESIDE.items()}
    draft = _DraftBeside("pk", user=user.pk)
    return _found(_tasks(user).select_related("policy", "queue", "assignee").annotate(**more, has_draft=draft), task_id)


def _tasks(user: User) -> QuerySet[ReviewTask]:
    rows = visible(user, ReviewTask.objects.all(), "review.view_reviewtask")
    clock = ExpressionWrapper(Now(), output_field=DateTimeField())
    return rows.select_related("case__case_type").annotate(read_at=clock)


def _found(rows: QuerySet[ReviewTask], task_id: int) -> ReviewTask:
    task = rows.filter(pk=task_id).first()
    if task is None:
        raise Missing("There is no such task, or it is not yours to see.")
    return task


def form_of(task: ReviewTask) -> tuple[list[Field], Prediction | None]:
    """The form of a task as it stands now, and the prediction that may be shown with it."""
    shown = None if conceals(task) else shown_prediction(task)
    return fields_of(task.case.case_type.output_schema, _starting_output(task, shown)), shown


def held_decision(task: ReviewTask) -> Decision | None:
    """The decision on the case's present version, where it waits for a second approval."""
    held = Decision.objects.filter(case=task.case_id, case_version=task.case.version, held=True, approval=None)
    return held.first() if task.reason == Reason.SECOND_APPROVAL else None


def _starting_output(task: ReviewTask, shown: Prediction | None) -> dict[str, Any] | None:
    """What the form begins with: a blind reader's own answer, else what the machine said."""
    if task.blind:
        return task.first_answer
    return shown.output if shown else None


def undo_until(decision: Decision) -> datetime:
    """When the grace period of a decision ends."""
    return decision.decided_at + timedelta(seconds=decision.policy.grace_seconds)
