"""What the machine said of each field, put beside it: scores, confidence, its draft, and the words it goes by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cases.passages import value_at
from review.desk.fields import Field, Link, Option, mapped
from review.desk.form import DIGITS
from review.desk.machine import Machine

MOST_LOW = 5


def judged(fields: Sequence[Field], machine: Machine) -> list[Field]:
    """The form with all that the machine said of each field."""
    prediction = machine.prediction
    scores = {other.label: other.confidence for other in machine.alternatives}
    found = with_scores(fields, {**scores, prediction.label: prediction.confidence})
    found = with_confidence(found, prediction.fields, threshold=machine.threshold)
    return with_links(with_drafts(found, prediction.output), machine.links)


def with_scores(fields: Sequence[Field], scores: Mapping[str, float]) -> list[Field]:
    """The label's choices with what the machine gave each; of a long list the likely ones answer to digits."""
    return [_scored_field(one, scores) if one.path == "label" else one for one in fields]


def with_confidence(fields: Sequence[Field], shares: Mapping[str, Any], *, threshold: float) -> list[Field]:
    """The fields with the machine's confidence in each, told by JSON paths inside the output (``items[0].price``)."""

    def sure(one: Field) -> Field:
        share = shares.get(one.path)
        if not isinstance(share, int | float) or isinstance(share, bool):
            return one
        return replace(one, confidence=float(share), low=share < threshold)

    return mapped(fields, sure) if shares else list(fields)


def with_drafts(fields: Sequence[Field], output: Mapping[str, Any] | None) -> list[Field]:
    """Long texts with what the machine wrote, to be compared."""

    def drafted(one: Field) -> Field:
        found = value_at(output, one.path) if output and one.kind == "longtext" else None
        return replace(one, draft=found.value) if found and isinstance(found.value, str) else one

    return mapped(fields, drafted) if output else list(fields)


def with_links(fields: Sequence[Field], links: Mapping[str, Sequence[Link]]) -> list[Field]:
    """The fields with the ways to the words that support them, by JSON path inside the output."""

    def linked(one: Field) -> Field:
        found = tuple(links.get(one.path, ()))
        return replace(one, links=found) if found else one

    return mapped(fields, linked) if links else list(fields)


def doubtful(fields: Sequence[Field]) -> list[Field]:
    """The fields of which the machine is least sure, where it is less so than it should be; the worst first.

    Their titles tell where they stand: “Items, line 2, price”.
    """
    low = [one for one in _placed(fields) if one.low and one.confidence is not None]
    return sorted(low, key=lambda one: one.confidence or 0.0)[:MOST_LOW]


def _placed(fields: Sequence[Field], *, above: str = "", rows: bool = False) -> Iterator[Field]:
    for one in fields:
        own = one.row_title.lower() if rows else one.title
        title = f"{above}, {own}" if above else own
        yield replace(one, title=title)
        yield from _placed(one.parts, above=title, rows=one.kind == "table")


def _scored_field(one: Field, scores: Mapping[str, float]) -> Field:
    scored = replace(one, options=tuple(replace(each, score=scores.get(each.text)) for each in one.options))
    if one.kind != "select":
        return scored
    digits = {option.text: str(number) for number, option in enumerate(scored.likely[:DIGITS], start=1)}
    return replace(scored, options=tuple(_with_digit(option, digits) for option in scored.options))


def _with_digit(option: Option, digits: Mapping[str, str]) -> Option:
    return replace(option, digit=digits.get(option.text, ""))
