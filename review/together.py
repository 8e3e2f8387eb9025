"""Alike cases decided together. Each is checked by itself and left out where it does not fit; all are undone together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.access import can, demand
from cases.audit import journal
from cases.errors import Conflict, Forbidden, Invalid, Missing, Refused
from cases.models import Prediction
from cases.models.choices import Reason
from review import approve, claims, risk
from review.decide import Answer, Settled, answer_planted, check_answer, conclude, demand_reason, demand_shown, settle
from review.models import Decision, DecisionBatch, ReviewTask
from review.shown import shown_prediction

MOST = 50
# Whatever came for another reason than these wants to be read for itself.
ORDINARY = (Reason.VALIDATION, Reason.LOW_CONFIDENCE, Reason.OUT_OF_SCOPE)


@dataclass(frozen=True, slots=True)
class Pick:
    """One case that a person has looked at and ticked, with the digest of what stood before them."""

    task_id: int
    digest: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one pick: its decision, or why it was left out. ``id`` is the task's, or on undoing the decision's."""

    id: int
    decision: Decision | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """What came of deciding, or of undoing, together. Without a batch nothing was done at all."""

    batch: DecisionBatch | None
    results: list[Result]

    @property
    def done(self) -> list[Result]:
        return [result for result in self.results if not result.why]

    @property
    def left_out(self) -> list[Result]:
        return [result for result in self.results if result.why]


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes cases alike: their type, the machine's label, and why a person was asked."""

    case_type_id: int
    label: str
    reason: str


def decide_together(user: User, *, picks: Sequence[Pick], answer: Answer, origin: str) -> Together:
    """Give one answer to alike cases, each in a transaction of its own.

    To approve takes each output as the machine gave it; to amend puts ``answer.output``'s fields in place of the
    machine's. The active seconds are those of all the picks together, and are divided among them.

    Raises: Forbidden; Invalid when the answer fits no case, or there are no picks or too many.
    """
    demand(user, "review.decide_reviewtask")
    check_answer(answer)
    _check_picks(picks, answer=answer)
    seconds = answer.active_seconds
    shared = replace(answer, active_seconds=None if seconds is None else seconds / len(picks))
    kind: Kind | None = None
    batch: DecisionBatch | None = None
    results = []
    for pick in picks:
        try:
            decision, kind = _decide_one(pick, user=user, answer=shared, kind=kind, batch=batch, origin=origin)
        except Refused as refusal:
            results.append(Result(pick.task_id, why=_because(refusal)))
        else:
            batch = decision.batch if decision else batch
            results.append(Result(pick.task_id, decision))
    return Together(batch, results)


def undo_together(batch_id: int, *, by: User, origin: str, note: str = "") -> Together:
    """Take back every decision of a batch that can still be taken back. Another's batch is undone with a reason.

    Raises: Missing where the batch is not the account's to see, Forbidden, Conflict when it was undone before.
    """
    batch = DecisionBatch.objects.filter(pk=batch_id).first()
    if batch is None or (batch.by_id != by.pk and not can(by, "review.override_decision")):
        raise Missing(_("There is no such bulk decision, or it is not yours to see."))
    if batch.undone_at is not None:
        raise Conflict(_("These decisions have been undone already."))
    results = [_undo_one(one, by=by, origin=origin, note=note) for one in batch.decisions.order_by("pk")]
    together = Together(batch, results)
    if together.done:
        with journal(actor=by, origin=origin) as log:
            DecisionBatch.objects.filter(pk=batch.pk).update(undone_at=Now())
            log("batch.undone", subject=batch, data={"done": len(together.done), "left": len(together.left_out)})
    return together


def _check_picks(picks: Sequence[Pick], *, answer: Answer) -> None:
    errors: dict[str, list[str]] = {}
    if not picks:
        errors["tasks"] = [_("Tick the cases that this answer is for.")]
    elif len(picks) > MOST:
        told = {"most": MOST}
        errors["tasks"] = [ngettext("At most %(most)d case at once.", "At most %(most)d cases at once.", MOST) % told]
    elif len({pick.task_id for pick in picks}) < len(picks):
        errors["tasks"] = [_("Name each case once.")]
    if answer.outcome == Decision.Outcome.AMEND and not answer.output:
        errors["output"] = [_("Say what to put in place of the machine’s answer.")]
    if errors:
        raise Invalid(_("Nothing was decided."), errors=errors)


def _decide_one(
    pick: Pick, *, user: User, answer: Answer, kind: Kind | None, batch: DecisionBatch | None, origin: str
) -> tuple[Decision | None, Kind]:
    """Claim and decide one case, or leave everything about it as it was. The first that fits says what is alike."""
    with journal(actor=user, origin=origin) as log:
        task = claims.claim(pick.task_id, user=user, origin=origin)
        claims.demand_task(user, "review.decide_reviewtask", task.pk)
        _demand_ordinary(task)
        prediction = shown_prediction(task)
        demand_shown(pick.digest, task=task, prediction=prediction)
        own = _kind_of(task, prediction)
        if kind is not None and own != kind:
            raise Conflict(
                _("It is not like the others: another type, another answer of the machine, or another reason.")
            )
        answer = _fitted(answer, prediction)
        settled = settle(answer, case=task.case, prediction=prediction, blind=False)
        _demand_plain(task, prediction=prediction, settled=settled)
        demand_reason(task, answer=answer, settled=settled)
        if answer_planted(task, answer=answer, settled=settled, user=user, log=log):
            return None, own
        batch = batch or DecisionBatch.objects.create(by=user)
        told: dict[str, Any] = {"answer": answer, "settled": settled, "prediction": prediction}
        return conclude(task, user=user, log=log, batch=batch, **told), own


def _kind_of(task: ReviewTask, prediction: Prediction | None) -> Kind:
    return Kind(task.case.case_type_id, prediction.label if prediction else "", task.reason)


def _demand_ordinary(task: ReviewTask) -> None:
    """Raises: Conflict for what must be read for itself, whatever the answer."""
    if task.blind:
        raise Conflict(_("It is read blind; open it by itself."))
    if task.reason not in ORDINARY:
        raise Conflict(_("It came for a reason that wants a look of its own; open it by itself."))


def _demand_plain(task: ReviewTask, *, prediction: Prediction | None, settled: Settled) -> None:
    """Raises: Conflict where this answer, or approving without reading, would be risky."""
    if prediction is None or prediction.output is None:
        raise Conflict(_("The machine gave no answer to it; open it by itself."))
    if risk.needs_second(task.case, task.policy, output=settled.output, label=settled.label):
        raise Conflict(_("This answer to it needs a second approval; open it by itself."))
    if risk.reading_floor(task, prediction):
        raise Conflict(_("Its policy wants it to be read at leisure; open it by itself."))


def _fitted(answer: Answer, prediction: Prediction | None) -> Answer:
    """The one answer as this case takes it: what it leaves open is as the machine said."""
    if answer.outcome != Decision.Outcome.AMEND or prediction is None or prediction.output is None:
        return replace(answer, output=None)
    return replace(answer, output={**prediction.output, **(answer.output or {})})


def _undo_one(decision: Decision, *, by: User, origin: str, note: str) -> Result:
    try:
        approve.undo(decision.pk, by=by, origin=origin, note=note)
    except Forbidden:
        raise
    except Refused as refusal:
        return Result(decision.pk, decision, why=_because(refusal))
    return Result(decision.pk, decision)


def _because(refusal: Refused) -> str:
    """A refusal in one line."""
    return " ".join([refusal.message, *(text for texts in refusal.errors.values() for text in texts)])
