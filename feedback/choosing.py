"""Which known case is planted next."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q

from cases.models.choices import State
from feedback import copies
from feedback.models import GoldCase, Planting
from review.models import Policy, ReviewTask

LOOKED_AT = 20  # known cases, for one that would come into the queue by itself


def fitting(policy: Policy, *, queues: Collection[int], reader: User | None) -> copies.Way | None:
    """The known case that was met least and would come into one of these queues by itself."""
    chosen = copies.ways(_fit(policy, reader=reader), policy)
    return next((way for way in chosen if way.route.queue is not None and way.route.queue.id in queues), None)


def _fit(policy: Policy, *, reader: User | None) -> list[GoldCase]:
    """Known cases that nobody reads now, those met least first. Of a reader, what they have met or decided is left out."""
    planted_now = ReviewTask.objects.open().filter(case__planting__gold__case=OuterRef("case"))
    rows = GoldCase.objects.filter(
        ~Exists(planted_now), case_type=policy.case_type_id, retired_at__isnull=True, case__state=State.CLOSED
    )
    if reader is not None:
        met = Planting.objects.filter(gold__case=OuterRef("case"), user=reader)
        rows = rows.filter(~Exists(met)).exclude(case__decisions__decided_by=reader)
    counted = rows.annotate(count=Count("plantings", filter=Q(plantings__answered_at__isnull=False)))
    return list(counted.select_related("case__case_type", "case_type").order_by("count", "?")[:LOOKED_AT])
