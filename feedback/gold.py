"""Gold cases and drills: closed cases whose right answer is known, made, retired, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases import schemas
from cases.access import demand, visible
from cases.audit import Journal, journal
from cases.errors import Conflict, Invalid, Missing
from cases.models import Case, Prediction
from cases.models.choices import State
from feedback.confusions import confusions
from feedback.models import GoldCase, Planting, Sample, SecondRead
from review.decide import checked_output
from review.models import Decision, ReviewTask
from review.shown import newest_prediction

MOST_PLANTINGS = 10  # a case that many have met is talked about
LEAST_SHOWN, MOST_SHOWN = 0.55, 0.97
CHANGED = 1.1
ADD = "feedback.add_goldcase"
CHANGE = "feedback.change_goldcase"


@dataclass(frozen=True, slots=True)
class Known:
    """A closed case with the answer that stands."""

    case: Case
    decision: Decision
    prediction: Prediction


def make_gold(case_id: int, *, by: User, origin: str, why: str = "") -> GoldCase:
    """Let a closed case be planted as it was: the reader sees what the machine said then.

    Raises: Forbidden, Missing, Conflict where its answer is not known for sure or it is gold already.
    """
    known = known_of(case_id, by=by)
    shown = known.prediction.output or {}
    return _make(known, GoldCase.Kind.GOLD, shown=shown, confidence=known.prediction.confidence, why=why, by=by,
                 origin=origin)  # fmt: skip


def make_drill(
    case_id: int, *, by: User, origin: str, why: str = "", shown: Mapping[str, Any] | None = None
) -> GoldCase:
    """Let a closed case be planted with a wrong output that one could believe; ``shown`` is one of one's own making.

    Raises: as `make_gold`; Invalid when the output is right, or is none for this case type.
    """
    known = known_of(case_id, by=by)
    right = known.decision.output or {}
    wrong = checked_output(shown, case=known.case) if shown is not None else believable(known)
    if wrong is None or wrong == right:
        asked = _("Give a wrong output to show: none suggests itself.")
        raise Invalid(_("The drill was not made."), errors={"shown": [asked]})
    checked_output(wrong, case=known.case)
    confidence = min(MOST_SHOWN, max(LEAST_SHOWN, known.prediction.confidence))
    return _make(known, GoldCase.Kind.DRILL, shown=wrong, confidence=confidence, why=why, by=by, origin=origin)


def retire(gold_id: int, *, by: User, reason: str, origin: str) -> None:
    """Plant it no more. What waits of it unread is taken back.

    Raises: Forbidden, Missing, Invalid without a reason, Conflict when it is retired already.
    """
    demand(by, CHANGE)
    demand_reason(reason)
    with journal(actor=by, origin=origin) as log:
        gold = GoldCase.objects.select_for_update().filter(pk=gold_id).first()
        if gold is None:
            raise Missing(_("There is no such gold case."))
        if gold.retired_at is not None:
            raise Conflict(_("It is retired already."))
        end(gold, because=reason.strip(), log=log)


def retire_many(ids: Iterable[int], *, by: User, reason: str, origin: str) -> int:
    """Retire those of them that are in use. Returns how many. Raises: Forbidden, Invalid without a reason."""
    demand(by, CHANGE)
    demand_reason(reason)
    with journal(actor=by, origin=origin) as log:
        golds = list(GoldCase.objects.select_for_update().filter(pk__in=list(ids), retired_at__isnull=True))
        for gold in golds:
            end(gold, because=reason.strip(), log=log)
    return len(golds)


def demand_reason(reason: str) -> None:
    """Raises: Invalid where nothing is said."""
    if not reason.strip():
        raise Invalid(_("It was not retired."), errors={"reason": [_("Say why; it is kept in the audit log.")]})


def end(gold: GoldCase, *, because: str, log: Journal) -> None:
    """Retire it, within a verb's transaction."""
    GoldCase.objects.filter(pk=gold.pk).update(retired_at=Now(), retired_because=because[:200])
    unread = ReviewTask.objects.open().filter(case__planting__gold=gold, planted=True)
    unread.update(closed_at=Now(), ending=ReviewTask.Ending.CANCELLED)
    log("gold.retired", subject=gold, data={"reason": because[:200]})


def end_if_worn(gold: GoldCase, *, log: Journal) -> None:
    """Before it is recognised: whoever has met it might talk of it."""
    met = Planting.objects.filter(gold=gold, answered_at__isnull=False).count()
    if met >= MOST_PLANTINGS and GoldCase.objects.filter(pk=gold.pk, retired_at__isnull=True).exists():
        end(gold, because=_("%(count)d readers have met it.") % {"count": met}, log=log)


def end_if_answer_changed(case_id: int, output: Mapping[str, Any] | None, *, log: Journal) -> None:
    """The case was decided again: what was known of it is known no more."""
    for gold in GoldCase.objects.filter(case=case_id, retired_at__isnull=True):
        if gold.output != output:
            end(gold, because=_("The case has been decided otherwise since."), log=log)


def believable(known: Known) -> dict[str, Any] | None:
    """A wrong output one could believe: what the machine held for next likely, the commonest confusion, or a changed amount."""
    right = known.decision.output or {}
    label = _other_label(known)
    wrong = right | {"label": label} if label else _other_amount(right)
    fits = wrong is not None and not schemas.problems(known.case.case_type.output_schema, wrong)
    return wrong if fits else None


def _other_label(known: Known) -> str:
    right, said = known.decision.label, known.prediction
    if said.label and said.label != right:
        return str(said.label)  # it was wrong by itself
    others = [str(one.get("label", "")) for one in said.alternatives if isinstance(one, dict)]
    others += [one.actual for one in confusions(case_type_id=known.case.case_type_id, label=right)]
    return next((one for one in others if one and one != right), "")


def _other_amount(right: Mapping[str, Any]) -> dict[str, Any] | None:
    for name, value in right.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and value:
            changed = round(value * CHANGED, 2) if isinstance(value, float) else value + max(1, abs(value) // 10)
            return {**right, name: changed}
    return None


def known_of(case_id: int, *, by: User) -> Known:
    """The case with the answer that stands.

    Raises: Forbidden, Missing, Conflict where the answer is not known for sure.
    """
    demand(by, ADD)
    rows = Case.objects.select_related("case_type").filter(pk=case_id)
    case = visible(by, rows, "cases.view_case").first()
    if case is None:
        raise Missing(_("There is no such case, or it is not yours to see."))
    decision = Decision.objects.filter(case=case).order_by("-id").first()
    prediction = newest_prediction(case)
    if case.state != State.CLOSED or decision is None or decision.output is None:
        raise Conflict(_("Only a closed case that was answered can be used."))
    if prediction is None or prediction.output is None:
        raise Conflict(_("The machine gave no answer to this case, so there is nothing to show."))
    if not case.salt:
        raise Conflict(_("What this case held has been erased, so there is nothing to show."))
    _demand_read(decision)
    return Known(case, decision, prediction)


def _demand_read(decision: Decision) -> None:
    """Raises: Conflict where only the machine has answered, or two people differ and nobody has settled it."""
    if SecondRead.objects.filter(decision=decision, read_at__isnull=False, settled_at__isnull=True).exists():
        raise Conflict(_("Two people differ on this case; it can be used once somebody has settled it."))
    if decision.decided_by_id is None and not Sample.objects.filter(decision=decision, correct=True).exists():
        raise Conflict(
            _("Nobody has read this case: its answer is only the machine’s, so it is not known to be right.")
        )


def _make(
    known: Known, kind: str, *, shown: Mapping[str, Any], confidence: float, why: str, by: User, origin: str
) -> GoldCase:
    with journal(actor=by, origin=origin) as log:
        try:
            with transaction.atomic():
                gold = GoldCase.objects.create(
                    case=known.case,
                    case_type_id=known.case.case_type_id,
                    kind=kind,
                    output=known.decision.output,
                    shown=shown,
                    confidence=confidence,
                    why=why.strip(),
                    made_by=by,
                )
        except IntegrityError:
            raise Conflict(_("This case is in use already.")) from None
        log(f"{kind}.made", subject=gold, data={"gold": gold.pk})
    return gold
