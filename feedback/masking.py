"""Personal data in texts that leave as training data, replaced by what kind of thing it was.

The rules know shapes, not meanings: addresses of mail, card and account numbers with their check digits, telephone numbers.
A name or a street they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
PHONE = re.compile(r"(?<![\w.])(?:\+|00|0)\d(?:[ ()/.-]?\d){7,13}(?!\w)")
MAIL_MASK, IBAN_MASK, CARD_MASK, PHONE_MASK = "[EMAIL]", "[IBAN]", "[CARD]", "[PHONE]"


def masked(value: Any) -> Any:
    """A text, or every text inside a JSON value, with what the rules know replaced. Keys stay."""
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, dict):
        return {key: masked(part) for key, part in value.items()}
    return [masked(part) for part in value] if isinstance(value, list) else value


def _masked_text(text: str) -> str:
    text = MAIL.sub(MAIL_MASK, text)
    text = IBAN.sub(_where(is_iban, IBAN_MASK), text)
    text = CARD.sub(_where(is_card, CARD_MASK), text)
    return PHONE.sub(PHONE_MASK, text)


def _where(is_one: Callable[[str], bool], mask: str) -> Callable[[re.Match[str]], str]:
    return lambda found: mask if is_one(found.group()) else found.group()


def is_card(text: str) -> bool:
    """Whether the digits pass the check of ISO/IEC 7812-1, annex B (Luhn)."""
    digits = [int(character) for character in reversed(text) if character.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the number passes the check of ISO 13616 (modulus 97)."""
    packed = text.replace(" ", "")
    turned = packed[4:] + packed[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1
