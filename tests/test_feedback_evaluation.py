"""Whether one model is better than another, as a pure judgement."""

from __future__ import annotations

import math

import pytest

from feedback.evaluation import LEAST_HELD_OUT, Score, compare


def score(right: int, wrong: int, *, surprise: float = 0.5) -> Score:
    total = right + wrong
    return Score(right=(True,) * right + (False,) * wrong, surprise=(surprise,) * total, confidence=(0.8,) * total)


def test_the_first_model_is_put_to_work() -> None:
    assert compare(score(1, 9), None).better


def test_too_few_held_out_examples_decide_nothing() -> None:
    verdict = compare(score(LEAST_HELD_OUT - 1, 0, surprise=0.1), score(0, LEAST_HELD_OUT - 1))
    assert not verdict.better
    assert str(LEAST_HELD_OUT) in verdict.why


@pytest.mark.parametrize(
    ("candidate", "active", "better"),
    [
        (score(90, 10, surprise=0.3), score(80, 20, surprise=0.5), True),
        (score(80, 20, surprise=0.5), score(80, 20, surprise=0.5), False),
        (score(80, 20, surprise=0.6), score(90, 10, surprise=0.5), False),
        (score(70, 30, surprise=0.3), score(90, 10, surprise=0.5), False),
        (score(79, 21, surprise=0.3), score(80, 20, surprise=0.5), True),
    ],
    ids=["better", "the same", "worse", "surer and wronger", "surer and hardly wronger"],
)
def test_better_is_less_surprised_by_the_truth_and_not_less_often_right(
    candidate: Score, active: Score, better: bool
) -> None:
    assert compare(candidate, active).better is better


def test_a_verdict_tells_its_figures() -> None:
    verdict = compare(score(70, 30, surprise=0.3), score(90, 10, surprise=0.5))
    assert (verdict.only_candidate_right, verdict.only_active_right) == (0, 20)
    assert verdict.p_worse < 0.001
    assert "log loss 0.3000 against 0.5000" in verdict.why


def test_a_score_of_nothing_says_so() -> None:
    empty = Score(right=(), surprise=(), confidence=())
    assert empty.summary() == {"held_out": 0}
    assert empty.log_loss == math.inf
    assert score(9, 1).summary()["accuracy"] == 0.9
