"""Agreement between readers, and errors that nobody found."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.agreement import Estimate, chapman, cohen_kappa, krippendorff_alpha

# Cohen 1960-style table: yes/yes 20, yes/no 5, no/yes 10, no/no 15; kappa = (0.7 - 0.5) / 0.5.
TABLE: list[tuple[str, str]] = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
LABELS = st.sampled_from("abc")


def test_kappa_is_that_of_the_textbook() -> None:
    assert cohen_kappa(TABLE).value == pytest.approx(0.4)


def test_alpha_is_that_of_krippendorffs_own_binary_example() -> None:
    first, second = "0100000000", "1110010010"
    pairs = list(zip(first, second, strict=True))
    assert krippendorff_alpha(pairs).value == pytest.approx(0.095, abs=0.001)


def width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < (estimate.value or 0) < estimate.high
    return estimate.high - estimate.low


def test_the_interval_holds_the_value_and_narrows_with_more_cases() -> None:
    few, many = cohen_kappa(TABLE), cohen_kappa(TABLE * 10)
    assert width(many) < width(few)
    assert few.value == pytest.approx(many.value)


@pytest.mark.parametrize("pairs", [[], [("a", "a")] * 9, [("a", "a")] * 50])
def test_too_few_cases_and_a_single_answer_say_nothing(pairs: list[tuple[str, str]]) -> None:
    assert cohen_kappa(pairs).value is None


@settings(deadline=None, max_examples=10)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=10, max_size=40))
def test_neither_depends_on_who_came_first(pairs: list[tuple[str, str]]) -> None:
    turned = [(two, one) for one, two in pairs]
    for measure in (cohen_kappa, krippendorff_alpha):
        here, there = measure(pairs).value, measure(turned).value
        assert here == there or here == pytest.approx(there)


def test_chapman_is_that_of_the_formula() -> None:
    found = chapman(first=30, second=25, both=20)
    assert found
    assert found.total == pytest.approx(31 * 26 / 21 - 1)
    assert found.low <= found.unfound <= found.high


def test_when_both_found_all_of_them_nothing_is_left() -> None:
    found = chapman(first=20, second=20, both=20)
    assert found
    assert (found.unfound, found.high) == (0.0, 0.0)


def test_without_a_common_find_nothing_is_known() -> None:
    assert chapman(first=5, second=3, both=0) is None
    with pytest.raises(ValueError, match="both"):
        chapman(first=2, second=2, both=3)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw, covered, runs = random.Random(5), 0, 400
    for _ in range(runs):
        one, two = ([draw.random() < share for _ in range(200)] for share in (0.7, 0.6))
        both = sum(a and b for a, b in zip(one, two, strict=True))
        found = chapman(first=sum(one), second=sum(two), both=both)
        truly = sum(not a and not b for a, b in zip(one, two, strict=True))
        covered += found is not None and found.low <= truly <= found.high
    assert covered / runs > 0.88
