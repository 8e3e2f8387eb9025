"""The door to every kind of made-up case. Pure and seeded: the same call gives the same cases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from hitl_project.demo.cases import DemoCase, Maker
from hitl_project.demo.documents import document
from hitl_project.demo.emails import email
from hitl_project.demo.grammar import dice
from hitl_project.demo.refunds import refund

MAKERS: dict[str, Maker] = {"support-email": email, "refund-request": refund, "document-tag": document}


def stream(case_type: str, seed: int) -> Iterator[DemoCase]:
    """Cases of one type without end. Raises KeyError for an unknown case type."""
    maker = MAKERS[case_type]
    rng = dice(f"{case_type}/{seed}")
    while True:
        yield maker(rng)


def generate(case_type: str, n: int, seed: int) -> list[DemoCase]:
    """``n`` cases of one type."""
    return list(islice(stream(case_type, seed), n))
