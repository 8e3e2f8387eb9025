"""What rounds and their top-ups mean for the automated error: every reading counts, and none bends the figure."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from feedback.models import Draw, Round, Sample
from feedback.rounds import choose
from metrics import chances, rollup
from metrics.intervals import Stratum, weighted_share
from metrics.models import SampleRollup
from review.models import Decision
from tests.metrics_history import History

COIN, CASES = 0.02, 3_000


def one_past(seed: int) -> tuple[float, list[Stratum], float]:
    """True error, strata as they are summed, and the share that takes every reading for equal."""
    chance = random.Random(seed)
    labels = {number: "rare" if chance.random() < 0.02 else "common" for number in range(CASES)}
    wrong = {number: chance.random() < (0.6 if label == "rare" else 0.05) for number, label in labels.items()}
    coin = {number for number in labels if chance.random() < COIN}
    left = {number: label for number, label in labels.items() if number not in coin}
    drawn = list(choose(left, name=f"past {seed}", size=150, per_label=25))
    uniform = drawn[0].probability
    extra = {labels[item.case_id]: item.probability for item in drawn if not item.uniform}
    read = coin | {item.case_id for item in drawn}
    cells: dict[float, Counter[str]] = {}
    for number, label in labels.items():
        missed = (1 - uniform) * (1 - extra.get(label, 0.0))
        counts = cells.setdefault(chances.whole(COIN, missed), Counter())
        counts.update(all=1, read=number in read, wrong=number in read and wrong[number])
    strata = [Stratum(p, counts["all"], counts["read"], counts["wrong"]) for p, counts in cells.items()]
    return sum(wrong.values()) / CASES, strata, sum(wrong[number] for number in read) / len(read)


def test_the_interval_covers_the_truth_though_a_rare_label_was_topped_up() -> None:
    covered, lean, naive = 0, 0.0, 0.0
    for seed in range(100):
        truth, strata, pooled = one_past(seed)
        found = weighted_share(strata)
        assert found
        covered += truth in found.interval
        lean += (found.value - truth) / 100
        naive += (pooled - truth) / 100
    assert covered >= 94
    assert abs(lean) < 0.005
    assert naive > 0.02  # what the weights are for


HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.django_db
@pytest.mark.postgres_too
class TestStrata:
    def opened(self, past: History, decisions: list[Decision]) -> Round:
        """A round that drew the first of them uniformly, and topped up by the last."""
        round_ = Round.objects.create(
            case_type=past.case_type,
            number=1,
            kind="once",
            since=HOUR,
            until=HOUR + timedelta(hours=1),
            size=1,
            per_label=1,
            due_at=HOUR + timedelta(days=7),
            opened_at=HOUR + timedelta(days=1),
        )
        Draw.objects.create(round=round_, case=decisions[0].case, probability=0.25)
        Draw.objects.create(round=round_, case=decisions[-1].case, probability=0.5, uniform=False)
        return round_

    def strata(self) -> set[tuple[float, int, int, int]]:
        rows = SampleRollup.objects.filter(span="hour", automated=True, decided__gt=0)
        return set(rows.values_list("probability", "decided", "read", "wrong"))

    def test_each_decision_counts_with_its_whole_chance_whichever_draw_took_it(self) -> None:
        past = History(rate=0.2)
        decisions = [past.automated(HOUR + timedelta(minutes=number)) for number in range(5)]
        outside = past.automated(HOUR + timedelta(hours=3))
        Decision.objects.filter(pk__in=[decisions[-1].pk, decisions[-2].pk]).update(label="rare")
        self.opened(past, decisions)
        read = {"first_answer": {}, "final_answer": {}, "automated": True, "read_by": past.person}
        for decision, right in ((decisions[0], True), (decisions[-1], False), (outside, True)):
            Sample.objects.create(case=decision.case, decision=decision, probability=0.5, correct=right, **read)
        rollup.rebuild()
        assert self.strata() == {(0.4, 3, 1, 0), (0.7, 2, 1, 1), (0.2, 1, 1, 0)}

    def test_a_round_counts_where_the_coin_was_never_thrown(self) -> None:
        past = History(rate=0.0)
        decisions = [past.automated(HOUR + timedelta(minutes=number)) for number in range(2)]
        past.automated(HOUR + timedelta(hours=3))
        self.opened(past, decisions)
        rollup.rebuild()
        assert {row[:2] for row in self.strata()} == {(0.625, 2)}

    def test_opening_a_round_sums_its_period_again(self) -> None:
        past = History(rate=0.2)
        decisions = [past.automated(HOUR + timedelta(minutes=number)) for number in range(2)]
        rollup.rebuild()
        round_ = self.opened(past, decisions)
        minutes = set(chances.minutes_of(Round.objects.filter(pk=round_.pk).values("pk")))
        assert minutes == {(past.case_type.pk, decision.decided_at) for decision in decisions}
