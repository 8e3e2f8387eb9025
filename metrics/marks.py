"""What changed during a time: policies that came into force, models and prompts that were promoted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Q, Value
from django.utils.translation import gettext as _

from feedback.models import ModelVersion, PromptVersion
from metrics.periods import Period
from review.models import Policy

MOST = 60  # more marks than this would hide the figure


@dataclass(frozen=True, slots=True)
class Mark:
    at: datetime
    name: str
    kind: str  # policy, model or prompt
    case_type: str
    number: int


def of(period: Period) -> list[Mark]:
    """The newest changes of a period, the oldest first."""
    policies = _moments(Policy.objects.all(), "activated_at", "policy", period)
    models = _moments(ModelVersion.objects.all(), "promoted_at", "model", period)
    prompts = _moments(PromptVersion.objects.all(), "promoted_at", "prompt", period)
    rows = policies.union(models, prompts, all=True).order_by("-at")[:MOST]
    return [_mark(*row) for row in reversed(list(rows))]


def _moments(rows: Any, moment: str, kind: str, period: Period) -> Any:
    within = Q(**{f"{moment}__gte": period.start, f"{moment}__lt": period.end})
    if period.case_type:
        within &= Q(case_type=period.case_type)
    kinds = Value(kind, output_field=CharField())
    named = rows.filter(within).order_by().annotate(at=F(moment), kind=kinds, named=F("case_type__name"))
    return named.values_list("at", "kind", "named", "number")


def _mark(at: datetime, kind: str, case_type: str, number: int) -> Mark:
    words = {"policy": _("policy %(n)d of %(what)s"), "model": _("model %(n)d of %(what)s")}
    said = words.get(kind, _("prompt %(n)d of %(what)s")) % {"n": number, "what": case_type}
    return Mark(at, said, kind, case_type, number)


def rows(marks: Iterable[Mark]) -> list[list[str]]:
    """For a table: when (UTC), and what."""
    return [[mark.at.strftime("%Y-%m-%d %H:%M"), mark.name] for mark in marks]
