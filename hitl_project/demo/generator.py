"""The door to every kind of made-up case. Pure and seeded: the same call gives the same cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from hitl_project.demo.cases import DemoCase, Maker
from hitl_project.demo.dressing import refund_form, scan, support_mail
from hitl_project.demo.grammar import dice
from hitl_project.demo.receipts import receipt
from hitl_project.demo.replies import reply

MAKERS: dict[str, Maker] = {
    "support-email": support_mail,
    "refund-request": refund_form,
    "document-tag": scan,
    "receipt": receipt,
    "reply": reply,
}
SOME_DAY = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)


def source(case_type: str, seed: int) -> Callable[[datetime], DemoCase]:
    """Cases of one type without end: each call makes the next, as it came in at that time. Raises KeyError for an
    unknown case type."""
    return partial(MAKERS[case_type], dice(f"{case_type}/{seed}"))


def generate(case_type: str, n: int, seed: int, *, at: datetime = SOME_DAY) -> list[DemoCase]:
    """``n`` cases of one type, all of one moment."""
    make = source(case_type, seed)
    return [make(at) for _ in range(n)]
