"""The sequential test: who waves everything through is seen soon, who takes care is left alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.watching import watch


def run(catches: float, drills: int, draw: random.Random) -> bool:
    return watch(draw.random() < catches for _ in range(drills)).flagged


def test_who_approves_everything_is_flagged_by_the_fourth_drill() -> None:
    assert not watch([False] * 3).flagged
    assert watch([False] * 4).flagged


def test_who_catches_nine_in_ten_is_flagged_in_under_two_percent_of_a_thousand_runs() -> None:
    draw = random.Random(7)
    assert sum(run(0.9, 60, draw) for _ in range(1000)) < 20


def test_an_honest_reader_watched_weekly_for_half_a_year_is_flagged_in_under_five_percent() -> None:
    draw = random.Random(11)
    assert sum(run(0.95, 26 * 5, draw) for _ in range(1000)) < 50


@pytest.mark.parametrize(("catches", "least"), [(0.5, 0.9), (0.3, 0.99)])
def test_who_catches_half_or_less_is_flagged_nearly_always(catches: float, least: float) -> None:
    draw = random.Random(13)
    assert sum(run(catches, 40, draw) for _ in range(1000)) / 1000 > least


def test_care_that_wears_off_is_seen() -> None:
    assert watch([True] * 100 + [False] * 6).flagged


@given(st.lists(st.booleans(), max_size=60))
def test_a_flag_is_never_taken_back_by_later_answers(answers: list[bool]) -> None:
    if watch(answers).flagged:
        assert watch([*answers, True, True, True]).flagged


@given(st.lists(st.booleans(), max_size=60))
def test_one_more_catch_never_speaks_against_the_reader(answers: list[bool]) -> None:
    for position, right in enumerate(answers):
        if not right and not watch(answers).flagged:
            better = [*answers[:position], True, *answers[position + 1 :]]
            assert not watch(better).flagged or watch(better).cleared > watch(answers).cleared
            return
