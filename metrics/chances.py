"""The chance that a decision by policy was read: by the intake coin, by the rounds of its time, or by a top-up of its label.

A case counts in the stratum of its whole chance, 1 - (1 - coin) x (1 - round) x (1 - top-up) …, whichever of them drew it.
So a top-up of a rare label weighs as little as it should, and never bends the figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Trunc

from cases.models.choices import Reason
from feedback.models import Draw, OutcomeReport, Round
from review.models import Decision, ReviewTask

if TYPE_CHECKING:
    from metrics.sums.base import Slice

DIGITS = 12  # what floating-point products of the same chances may differ in, left off


def whole(coin: float, missed: float) -> float:
    """The chance to be read at all, from that of the coin and that of being missed by every round."""
    return coin if missed == 1 else round(1 - (1 - coin) * missed, DIGITS)


def missed_by_rounds(part: Slice) -> Any:
    """SQL of the chance that no round draws this first decision; 1 where none could."""
    rounds = list(Round.objects.filter(case_type_id=part.case_type_id, since__lt=part.end, until__gt=part.start))
    uniform, extra = _chances(rounds)
    factors = [_missed(row, 1 - uniform[row.pk], extra[row.pk]) for row in rounds if row.pk in uniform]
    return reduce(mul, factors) if factors else Value(1.0, output_field=models.FloatField())


def minutes_of(round_ids: QuerySet[Any]) -> Iterable[tuple[int, datetime]]:
    """Case type and minute of everything whose chance changed when these rounds were opened."""
    for row in Round.objects.filter(pk__in=round_ids):
        decided = Decision.objects.by_policy().filter(case__case_type_id=row.case_type_id)
        at = Trunc("decided_at", "minute", tzinfo=UTC)
        period = decided.filter(decided_at__gte=row.since, decided_at__lt=row.until).order_by()
        yield from ((row.case_type_id, start) for start in period.values_list(at, flat=True).distinct())


def _chances(rounds: list[Round]) -> tuple[dict[int, float], dict[int, dict[str, float]]]:
    """By round: the chance of its uniform draws, and that of its top-ups by label."""
    draws = Draw.objects.filter(round__in=rounds).order_by()
    uniform = dict(draws.filter(uniform=True).values_list("round").annotate(chance=Max("probability")))
    extra: dict[int, dict[str, float]] = defaultdict(dict)
    topped_up = draws.filter(uniform=False, case__decisions__case_version=1)
    named = topped_up.values_list("round", "case__decisions__label").annotate(chance=Max("probability"))
    for round_id, label, chance in named:
        extra[round_id][label] = chance
    return uniform, extra


def _missed(row: Round, missed: float, extra: dict[str, float]) -> Any:
    """What news reopened before the draw could not be drawn any more; what a reading reopened counts as before."""
    reports = OutcomeReport.objects.filter(decision=OuterRef("pk"), correct=False, reported_at__lt=row.opened_at)
    reopened = ReviewTask.objects.filter(case=OuterRef("case"), reason=Reason.REOPENED, opened_at__lt=row.opened_at)
    untouched = Q(case__version=1) | (~Exists(reports) & ~Exists(reopened))
    drawable = Q(untouched, task__isnull=True, decided_at__gte=row.since, decided_at__lt=row.until)
    topped = [
        models.When(drawable & Q(label=label), then=Value(missed * (1 - chance))) for label, chance in extra.items()
    ]
    return models.Case(
        *topped, models.When(drawable, then=Value(missed)), default=Value(1.0), output_field=models.FloatField()
    )
