"""The index of similar texts."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feedback.similar import Index, terms_of

WORDS = [
    "parcel",
    "late",
    "refund",
    "card",
    "charged",
    "twice",
    "broken",
    "lamp",
    "chair",
    "voucher",
    "login",
    "points",
]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


def index_of(*known: str) -> Index:
    index = Index()
    for key, text in enumerate(known, start=1):
        index.add(key, terms_of(text))
    return index


def test_the_most_alike_text_comes_first_and_an_unlike_one_not_at_all() -> None:
    index = index_of("the lamp came broken", "my card was charged twice", "was I charged twice for the parcel?")
    found = index.alike(terms_of("charged twice on my card!"), limit=5)
    assert [alike.key for alike in found] == [2, 3]


def test_a_text_is_not_alike_itself_when_it_is_left_out() -> None:
    index = index_of("the lamp came broken", "a broken lamp")
    assert [alike.key for alike in index.alike(terms_of("a broken lamp"), limit=5, without=2)] == [1]


def test_of_a_text_that_was_added_twice_only_one_is_found() -> None:
    index = index_of("a broken lamp")
    index.add(1, terms_of("a broken lamp"))
    assert [alike.key for alike in index.alike(terms_of("broken lamp"), limit=5)] == [1]


def test_a_long_text_keeps_a_bounded_number_of_words() -> None:
    assert len(terms_of(" ".join(f"word{number}" for number in range(5000)))) <= 96


def test_an_empty_index_and_an_empty_text_find_nothing() -> None:
    assert Index().alike(terms_of("lamp"), limit=5) == []
    assert index_of("lamp").alike(terms_of(" "), limit=5) == []


@given(known=st.lists(texts, min_size=1, max_size=30), asked=texts)
def test_what_is_built_in_scores_as_what_is_in_the_tail_up_to_the_weights(known: list[str], asked: str) -> None:
    """A text with all the words asked for and no others is as alike as can be, however the index is laid out."""
    index = index_of(*known, asked)
    built = Index()
    for key, text in enumerate([*known, asked], start=1):
        built.add(key, terms_of(text))
    for number in range(300):  # more than the tail may hold: the index is built at the next question
        built.add(10_000 + number, np.array([number], dtype=np.uint32))
    for one in (index, built):
        best = one.alike(terms_of(asked), limit=len(known) + 1)
        assert best[0].score > 0.999
        assert all(later.score <= earlier.score for earlier, later in pairwise(best))
