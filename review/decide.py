"""A person decides: bound to a claim that still runs and to exactly what was shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import hooks, outbox, schemas
from cases.audit import Journal, journal
from cases.errors import Conflict, Invalid
from cases.models import Case, Effect, Prediction
from cases.models.choices import Reason, State
from cases.outbox import Happening
from cases.transitions import move
from review import coin, risk
from review.claims import lost_because, own_claim
from review.models import Decision, DecisionBatch, Policy, ReviewTask
from review.planted import planted_of
from review.route import lane_queue, told_of
from review.shown import conceals, digest_of, shown_prediction
from review.tasks import due_at, end_task, open_task

DECIDE = "review.decide_reviewtask"
OUTCOMES = tuple(Decision.Outcome.values)
LONGEST_REASON = 200
LONGEST_ACTIVE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answers: an outcome, the output where it is not the one shown, and how it came about."""

    outcome: str
    output: Mapping[str, Any] | None = None
    reason: str = ""
    note: str = ""
    active_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """An answer that has been checked against the case: the final outcome and output."""

    outcome: str
    output: dict[str, Any] | None
    override: bool
    shown: bool

    @property
    def label(self) -> str:
        return schemas.label_of(self.output)[:200] if self.output else ""


def decide(task_id: int, *, user: User, lease_token: int, digest: str, answer: Answer, origin: str) -> Decision | None:
    """Decide a claimed task and tell the decision; a quality sample or a second read gives none.

    Raises: Missing or Forbidden; Invalid with the field, ``reason`` too where the coin asks for one; Conflict when the
    lease is lost, the task is done, or what was shown has changed since.
    """
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token, verb=DECIDE)
        check_answer(answer)
        if task.reason == Reason.SECOND_APPROVAL:
            raise Conflict(_("This task asks for a second approval: approve the held decision, or send it back."))
        prediction = shown_prediction(task)
        demand_shown(digest, task=task, prediction=prediction)
        settled = settle(answer, case=task.case, prediction=prediction, blind=conceals(task))
        demand_reason(task, answer=answer, settled=settled)
        if answer_planted(task, answer=answer, settled=settled, user=user, log=log):
            return None
        if task.reason in (Reason.SAMPLE, Reason.SECOND_READ):
            _read_sample(task, answer=answer, settled=settled, prediction=prediction, user=user, log=log)
            return None
        return conclude(task, answer=answer, settled=settled, prediction=prediction, user=user, log=log)


def answer_planted(task: ReviewTask, *, answer: Answer, settled: Settled, user: User, log: Journal) -> bool:
    """Take the answer to a known case, if the task is one; nothing else comes of it."""
    known = planted_of(task)
    if known is None:
        return False
    if not end_task(task, ending=ReviewTask.Ending.DECIDED):
        raise Conflict(lost_because(task.pk))
    known.answer(output=settled.output, seconds=answer.active_seconds, user=user, log=log)
    return True


def first_answer(
    task_id: int, *, user: User, lease_token: int, digest: str, output: Mapping[str, Any], origin: str
) -> ReviewTask:
    """The blind reader's own answer; from now on the machine's output is shown and the answer may be revised.

    Raises: as `decide`; Conflict when the task is not read blind or was answered before.
    """
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token, verb=DECIDE)
        if not conceals(task) or task.reason == Reason.SECOND_READ:
            raise Conflict(_("This task is not read blind, or has its first answer already."))
        demand_shown(digest, task=task, prediction=None)
        task.first_answer = checked_output(output, case=task.case)
        ReviewTask.objects.filter(pk=task.pk).update(first_answer=task.first_answer)
        log("task.answered_blind", case_id=task.case_id, subject=task)
    return task


def check_answer(answer: Answer) -> None:
    """Raises: Invalid naming the field, when the answer cannot be one for any case."""
    errors: dict[str, list[str]] = {}
    if answer.outcome not in OUTCOMES:
        errors["outcome"] = [_("Choose one of: %(choices)s") % {"choices": ", ".join(OUTCOMES)}]
    if answer.outcome == Decision.Outcome.REJECT and not (answer.reason.strip() or answer.note.strip()):
        errors["reason"] = [_("Say why the case is rejected.")]
    if len(answer.reason) > LONGEST_REASON:
        errors["reason"] = [_("At most 200 characters; put the rest in the note.")]
    seconds = answer.active_seconds
    if seconds is not None and not (math.isfinite(seconds) and 0 <= seconds <= LONGEST_ACTIVE_SECONDS):
        errors["active_seconds"] = [_("Give the seconds as a number from 0 to 86,400.")]
    if errors:
        raise Invalid(_("The decision was not taken."), errors=errors)


def demand_shown(digest: str, *, task: ReviewTask, prediction: Prediction | None) -> None:
    """Raises: Conflict when the digest is not that of what stands before the reader now."""
    if digest != digest_of(task, task.case, prediction):
        raise Conflict(
            _("What you were shown has changed since; look again before you decide."), code="content-changed"
        )


def demand_reason(task: ReviewTask, *, answer: Answer, settled: Settled) -> None:
    """Raises: Invalid naming ``reason``, when the coin asks why an answer is approved as shown and nothing was said."""
    approved = settled.outcome == Decision.Outcome.APPROVE and settled.shown and not task.blind
    if approved and coin.asks_reason(task) and not (answer.reason.strip() or answer.note.strip()):
        asked = _("Say in a few words why this is right. You are asked now and then, at random.")
        raise Invalid(_("The decision was not taken."), errors={"reason": [asked]})


def checked_output(output: Mapping[str, Any] | None, *, case: Case) -> dict[str, Any]:
    """The output, if the case type's schema takes it.

    Raises: Invalid with the path of each fault.
    """
    faults = [] if output is None else schemas.problems(case.case_type.output_schema, output)
    if output is None or faults:
        errors: dict[str, list[str]] = {}
        for path, text in faults:
            errors.setdefault(f"output.{path}" if path else "output", []).append(str(text))
        raise Invalid(_("The output does not fit the case type."), errors=errors or {"output": [_("Give an output.")]})
    return dict(output)


def settle(answer: Answer, *, case: Case, prediction: Prediction | None, blind: bool) -> Settled:
    """The final outcome and output of an answer. Who changes nothing approves, whatever the button said.

    Raises: Invalid when there is nothing to approve, or an approval brings another output.
    """
    said = prediction.output if prediction else None
    shown = said is not None and not blind
    if answer.outcome == Decision.Outcome.REJECT:
        return Settled(outcome=answer.outcome, output=None, override=shown, shown=shown)
    if answer.outcome == Decision.Outcome.APPROVE and answer.output is None:
        if not shown:
            raise Invalid(_("There is no output to approve."), errors={"output": [_("Give your own output.")]})
        return Settled(outcome=answer.outcome, output=said, override=False, shown=True)
    output = checked_output(answer.output, case=case)
    same = output == said
    if answer.outcome == Decision.Outcome.APPROVE and not same and shown:
        use_amend = {"outcome": [_("Use amend to change the output.")]}
        raise Invalid(_("An approval takes the output as shown."), errors=use_amend)
    outcome = Decision.Outcome.APPROVE if same else Decision.Outcome.AMEND
    return Settled(outcome=outcome, output=output, override=shown and not same, shown=shown)


def conclude(
    task: ReviewTask,
    *,
    answer: Answer,
    settled: Settled,
    prediction: Prediction | None,
    user: User,
    log: Journal,
    hold: bool = False,
    batch: DecisionBatch | None = None,
) -> Decision:
    """in_review → decided: the decision, what it sets off, and the end of the task, in one transaction."""
    case = task.case
    held = hold or risk.needs_second(case, task.policy, output=settled.output, label=settled.label)
    _advance(case, task.policy, settled=settled, held=held, log=log)
    how = {"held": held, "batch": batch, "decided_by": user}
    decision = _write(task, answer=answer, settled=settled, prediction=prediction, **how)
    end_task(task, ending=ReviewTask.Ending.DECIDED)
    data = {"outcome": settled.outcome, "label": settled.label, "held": held}
    data |= {"batch": batch.pk} if batch else {}
    log("decision.made", case_id=case.pk, subject=decision, data=data | _hurried(task, settled, prediction))
    if held:
        _ask_a_second(decision, log=log)
    else:
        take_effect(decision, log=log)
    hooks.call("decision_made", decision=decision, task=task, log=log)
    return decision


def _hurried(task: ReviewTask, settled: Settled, prediction: Prediction | None) -> dict[str, int]:
    """A mark on an approval that came before the reading floor: it is not refused, and it is seen."""
    approved = settled.outcome == Decision.Outcome.APPROVE and settled.shown and not task.blind
    short = risk.seconds_short(task, prediction) if approved else 0
    return {"before_reading_floor": short} if short else {}


def _write(
    task: ReviewTask, *, answer: Answer, settled: Settled, prediction: Prediction | None, **how: Any
) -> Decision:
    case = task.case
    return Decision.objects.create(
        case=case,
        case_version=case.version,
        task=task,
        policy=task.policy,
        prediction=prediction,
        supersedes_id=Decision.objects.filter(case=case).order_by("-id").values_list("pk", flat=True).first(),
        outcome=settled.outcome,
        output=settled.output,
        label=settled.label,
        override=settled.override,
        shown=settled.shown,
        reason=answer.reason,
        note=answer.note,
        digest=digest_of(task, case, prediction),
        active_seconds=answer.active_seconds,
        **how,
    )


def _advance(case: Case, policy: Policy, *, settled: Settled, held: bool, log: Journal) -> None:
    row: dict[str, Any] = {"label": settled.label}
    if held:
        row["lease_until"] = None
    elif policy.grace_seconds:
        row["lease_until"] = timezone.now() + timedelta(seconds=policy.grace_seconds)
    if not move({case.pk: row}, source=State.IN_REVIEW, target=State.DECIDED, log=log):
        state = Case.objects.get(pk=case.pk).get_state_display()
        raise Conflict(_("The case is no longer in review: it is %(state)s.") % {"state": state})


def take_effect(decision: Decision, *, log: Journal) -> None:
    """Queue what the decision sets off. One that says the same as what has left already sets off nothing anew."""
    case, acted, grace = decision.case, _acted_on(decision), decision.policy.grace_seconds
    if acted is not None:
        if (acted.outcome == "reject", acted.output) == (decision.outcome == "reject", decision.output):
            return
        told = told_of(decision)
        outbox.compensate(case, version=acted.case_version, data=told, log=log, grace_seconds=grace)
        overridden = {**told, "supersedes": told_of(acted)["decision"]}
        outbox.announce([Happening(case=case, event="decision.overridden", data=overridden)], log=log)
    outbox.announce([Happening(case=case, event="case.decided", data=told_of(decision), grace_seconds=grace)], log=log)


def _acted_on(decision: Decision) -> Decision | None:
    """The earlier decision whose effects stand outside: the newest of which any has left and was not taken back."""
    if decision.supersedes_id is None:
        return None
    live = Effect.objects.filter(case=decision.case_id).exclude(status=Effect.Status.CANCELLED)
    undone = live.filter(compensates__isnull=False).values("compensates")
    sent = live.filter(event="case.decided").exclude(pk__in=undone)
    earlier = Decision.objects.filter(
        case=decision.case_id, pk__lt=decision.pk, case_version__in=sent.values("case_version")
    )
    return earlier.select_related("policy", "decided_by").order_by("-pk").first()


def _ask_a_second(decision: Decision, *, log: Journal) -> None:
    case, policy = decision.case, decision.policy
    due = due_at(policy, priority=case.priority, since=timezone.now())
    queue = lane_queue(policy, Reason.SECOND_APPROVAL)
    told = {"note": decision.note, "label": decision.label}
    open_task(case, queue=queue, policy=policy, reason=Reason.SECOND_APPROVAL, due=due, log=log, **told)


def _read_sample(
    task: ReviewTask, *, answer: Answer, settled: Settled, prediction: Prediction | None, user: User, log: Journal
) -> None:
    if not end_task(task, ending=ReviewTask.Ending.DECIDED):
        raise Conflict(lost_because(task.pk))
    log(f"{task.reason}.read", case_id=task.case_id, subject=task)
    hooks.call("sample_read", task=task, answer=answer, settled=settled, prediction=prediction, user=user, log=log)
