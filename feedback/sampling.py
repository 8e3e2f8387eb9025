"""Cases read blind, of the intake coin or of a round: what the reader said is evaluation data until it is released."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.access import demand, visible
from cases.audit import Journal, journal
from cases.errors import Conflict, Invalid
from cases.models import Case, Prediction
from cases.models.choices import Reason
from feedback import corrections
from feedback.models import Draw, Round, Sample
from review.decide import Answer, Settled
from review.models import Decision, ReviewTask
from review.reopen import reopen

LONGEST_REASON = 300


def from_decision(*, decision: Decision, task: ReviewTask, log: Journal) -> None:
    """A sampled case that went to a person: read blind in the flow, and decided.

    Where a report reopened an automated case before its sample was read, this reading is the sample, and is held against
    what policy decided: else exactly the wrong ones would be missing.
    """
    acted = decision.supersedes
    automated = acted is not None and acted.task_id is None
    judged = acted if automated else decision.prediction
    said = judged.output if judged else None
    sample = Sample.objects.create(
        case=decision.case,
        decision=acted if automated else decision,
        read_by_id=decision.decided_by_id or 0,
        prediction=decision.prediction,
        automated=automated,
        first_answer=task.first_answer or decision.output or {},
        final_answer=decision.output or {},
        correct=said is not None and said == decision.output,
        active_seconds=decision.active_seconds,
        **_chance(decision.case, _drawn(decision.case) if automated else None),
    )
    if said is not None and not sample.correct:
        corrections.from_sample(sample, why=decision.note)
    log("sample.taken", case_id=decision.case_id, subject=sample, data={"automated": automated})


def record(
    *, task: ReviewTask, answer: Answer, settled: Settled, prediction: Prediction | None, user: User, log: Journal
) -> None:
    """Hook ``sample_read``: an automated case of the coin or of a round was read. An error reopens the case."""
    case = task.case
    acted = Decision.objects.filter(case=case).order_by("-id").first()
    correct = acted is not None and settled.output == acted.output
    sample = Sample.objects.create(
        case=case,
        decision=acted,
        prediction=prediction,
        automated=True,
        first_answer=task.first_answer or settled.output or {},
        final_answer=settled.output or {},
        correct=correct,
        read_by=user,
        active_seconds=answer.active_seconds,
        **_chance(case, Draw.objects.filter(task=task).first()),
    )
    log("sample.taken", case_id=case.pk, subject=sample, data={"automated": True, "correct": correct})
    if not correct:
        corrections.from_sample(sample, why=answer.note)
        reopen(case, reason=Reason.REPORTED_ERROR, note=answer.note, log=log)


def _chance(case: Case, draw: Draw | None) -> dict[str, Any]:
    """How likely the case was to be read, and by which draw."""
    if draw is None:
        return {"probability": case.sample_probability or 1.0}
    return {"probability": draw.probability, "uniform": draw.uniform, "draw": draw}


def _drawn(case: Case) -> Draw | None:
    """The draw of a case that has not been read; a report may have taken its task's place."""
    return Draw.objects.filter(case=case, sample=None, dropped="").order_by("-pk").first()


def release_round(round_: Round, *, by: User, reason: str, origin: str) -> int:
    """Release every sample of a round; see `release`."""
    return release(
        Sample.objects.filter(draw__round=round_).values_list("pk", flat=True), by=by, reason=reason, origin=origin
    )


def release(sample_ids: Iterable[int], *, by: User, reason: str, origin: str) -> int:
    """Retire samples from judging the machine, for good: from now on it may learn from them. Returns how many.

    Raises: Forbidden; Invalid without a reason; Conflict when none of them still serves.
    """
    demand(by, "feedback.change_sample")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        why = _("Say why in 1 to %(most)s characters.") % {"most": LONGEST_REASON}
        raise Invalid(_("The samples were not released."), errors={"reason": [why]})
    with journal(actor=by, origin=origin) as log:
        rows = visible(by, Sample.objects.filter(pk__in=list(sample_ids), released_at=None), "feedback.change_sample")
        serving = list(rows.select_for_update(of=("self",)))
        if not serving:
            raise Conflict(_("None of these samples serves as evaluation data any more."))
        chosen = Sample.objects.filter(pk__in=[sample.pk for sample in serving])
        chosen.update(released_at=Now(), released_by=by, released_because=reason)
        for sample in serving:
            log("sample.released", case_id=sample.case_id, subject=sample, data={"reason": reason})
    return len(serving)
