"""Who lets errors pass: the sequential test on planted wrong outputs, and what follows. For reader and supervisor alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Count, Q
from scipy.stats import beta

from cases.audit import Journal
from cases.models import CaseType
from feedback.models import Flag, Planting
from feedback.watching import watch
from review.models import Policy

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Catches:
    """How many of the planted wrong outputs somebody caught, by case type, with a 95 % interval (Clopper–Pearson)."""

    reader: str
    case_type: str
    planted: int
    caught: int

    @property
    def rate(self) -> float:
        return self.caught / self.planted

    @property
    def interval(self) -> tuple[float, float]:
        return clopper_pearson(self.caught, self.planted)


def clopper_pearson(hits: int, trials: int) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson, 1934); all of [0, 1] without a trial."""
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return low, high


def catches(*, user: User | None = None) -> list[Catches]:
    """Of one reader, or of all by name: an order that ranks nobody."""
    rows = Planting.objects.filter(wrong=True, caught__isnull=False)
    rows = rows.filter(user=user) if user else rows
    keys = rows.values_list("user__username", "case_type__name").order_by("user__username", "case_type__name")
    return [Catches(*row) for row in keys.annotate(count=Count("pk"), hits=Count("pk", filter=Q(caught=True)))]


def look_at(user: User, *, case_type: CaseType, log: Journal) -> Flag | None:
    """Run the test over the reader's answers since their last flag was closed. Opens a flag once; None where none is due."""
    earlier = Flag.objects.filter(user=user, case_type=case_type).order_by("-id").first()
    if earlier is not None and earlier.closed_at is None:
        return None
    rows = Planting.objects.filter(user=user, case_type=case_type, wrong=True, caught__isnull=False)
    if earlier is not None:
        rows = rows.filter(answered_at__gt=earlier.closed_at)
    found = watch(map(bool, rows.order_by("answered_at", "id").values_list("caught", flat=True)))
    return _open(user, case_type, {"answers": found.answers, "caught": found.caught}, log) if found.flagged else None


def _open(user: User, case_type: CaseType, evidence: dict[str, int], log: Journal) -> Flag:
    policy = Policy.objects.filter(case_type=case_type, status=Policy.Status.ACTIVE).first()
    step = policy.on_flag if policy else Policy.OnFlag.WORD
    flag = Flag.objects.create(user=user, case_type=case_type, step=step, evidence=evidence)
    log("gold.flagged", subject=flag, data={"step": step, **evidence})
    return flag
