"""Cutting texts into units."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cases.classifiers.ngrams import chunks, units_of


def test_a_text_of_one_endless_word_is_taken_in_pieces() -> None:
    units = units_of("x" * 1_000)
    assert [unit.end - unit.start for unit in units] == [40] * 25


def test_batches_of_long_texts_are_cut_smaller_and_none_is_lost() -> None:
    texts = ["a" * 30_000] * 50 + ["b"] * 3_000
    runs = [list(run) for run in chunks(texts)]
    assert [text for run in runs for text in run] == texts
    assert max(len(run) for run in runs) == 1_000
    assert len(runs[0]) == 20


@given(st.text(max_size=200))
def test_units_stand_where_they_say(text: str) -> None:
    units = units_of(text)
    assert all(text[unit.start : unit.end] == unit.written for unit in units)
    assert all(one.end <= other.start for one, other in pairwise(units))
