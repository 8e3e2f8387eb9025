"""What leaves as training data names nobody that a rule can see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.masking import masked


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mail ann.lee+x@mail.example.co.uk, please", "mail [EMAIL], please"),
        ("card 4111 1111 1111 1111 was charged", "card [CARD] was charged"),
        ("card 4111-1111-1111-1111", "card [CARD]"),
        ("to GB82 WEST 1234 5698 7654 32 today", "to [IBAN] today"),
        ("call +44 20 7946 0958 now", "call [PHONE] now"),
        ("call 020 7946 0958", "call [PHONE]"),
    ],
)
def test_addresses_and_numbers_of_people_are_replaced(text: str, clean: str) -> None:
    assert masked(text) == clean


@pytest.mark.parametrize(
    "text", ["order 991-2231", "£1,250.00", "1234 5678 9012 3456", "on 2026-03-31 at 14:05", "v2.10.3"]
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert masked(text) == text


def test_texts_inside_an_output_are_masked_and_its_keys_and_numbers_stay() -> None:
    assert masked({"a@b.org": ["a@b.org", 5, None]}) == {"a@b.org": ["[EMAIL]", 5, None]}


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)
