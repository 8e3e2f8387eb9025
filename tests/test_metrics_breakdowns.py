"""Rows added up by some of their keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metrics import rollup
from metrics.breakdowns import added, breakdown, confusion, strata_by_bin
from metrics.histograms import packed, unpacked
from metrics.intervals import Stratum
from metrics.models import CertaintyRollup, LabelRollup, WorkRollup
from tests.metrics_history import MINUTE, History

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_figures_of_every_kind_are_added() -> None:
    assert added([1, 2]) == 3
    assert added([0.1, 0.2]) == 0.3
    assert added([Decimal("0.1"), Decimal("0.2")]) == Decimal("0.3")
    assert added([packed({10: 1, 9: 1}), packed({10: 2, 0: 4})]) == packed({0: 4, 9: 1, 10: 3})


@pytest.mark.django_db
def test_a_breakdown_adds_up_what_its_keys_do_not_tell_apart() -> None:
    one, other = History(), History("refunds")
    for past in (one, other, other):
        for seconds in (20, 0.5):
            past.decide(past.waiting(DAY, due=HOUR), DAY + 10 * MINUTE, seconds=seconds, waited=MINUTE)
    rollup.roll_up()
    span: dict[str, Any] = {"span": "day", "start": DAY, "end": DAY + 24 * HOUR}
    whole = breakdown(WorkRollup, "queue_id", **span)
    figures = whole[(one.queue.pk,)]
    assert (figures["shown"], figures["active_seconds"], unpacked(figures["active"]).total()) == (6, 61.5, 6)
    by_type = breakdown(WorkRollup, "case_type_id", "start", **span)
    assert {key: row["shown"] for key, row in by_type.items()} == {
        (one.case_type.pk, DAY): 2,
        (other.case_type.pk, DAY): 4,
    }
    assert breakdown(WorkRollup, "queue_id", **span, case_types=[]) == {}
    assert breakdown(WorkRollup, "queue_id", **span, priority=0) == {}


def test_the_strata_of_a_bin_keep_their_chances_apart() -> None:
    cells = [(3, 0.5, True, 4, 2, 1), (3, 0.5, False, 4, 1, 0), (3, 0.1, True, 9, 1, 1), (19, 0.5, True, 1, 0, 0)]
    names = ("confidence_bin", "probability", "automated", "decided", "read", "wrong")
    rows = [CertaintyRollup(**dict(zip(names, cell, strict=True))) for cell in cells]
    assert strata_by_bin(rows) == {3: [Stratum(0.1, 9, 1, 1), Stratum(0.5, 8, 3, 1)], 19: [Stratum(0.5, 1, 0, 0)]}


def test_samples_and_shown_outputs_have_a_confusion_matrix_each() -> None:
    rows = [LabelRollup(said="a", answered="b", sampled=sampled, count=2) for sampled in (True, True, False)]
    assert confusion(rows, sampled=True) == {("a", "b"): 4}
    assert confusion(rows, sampled=False) == {("a", "b"): 2}
