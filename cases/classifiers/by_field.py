"""How sure a language model was of the single fields of its output; see `cases.classifiers.certainty`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cases.classifiers.certainty import Token, probability, tempered, tokens_between

MOST_FIELDS = 100
LONGEST_VALUE = 60  # characters; the probability of exactly these words says nothing of a longer text


def by_tokens(text: str, tokens: Sequence[Token], output: Mapping[str, Any]) -> dict[str, float]:
    """The probability of each short value at the top of an output, where its tokens can be told for certain."""
    found = {}
    for name, value in list(output.items())[:MOST_FIELDS]:
        span = _span(text, name, value) if _is_short(value) else None
        share = probability(tokens_between(text, tokens, span)) if span else None
        if share is not None:
            found[name] = round(share, 6)
    return found


def by_agreement(chosen: Mapping[str, Any], outputs: Sequence[Mapping[str, Any]], asked: int) -> dict[str, float]:
    """How many of the samples that were ``asked`` for say the same in each short field, tempered; one alone says nothing."""
    if asked < 2:  # noqa: PLR2004 - nobody agrees with nobody
        return {}
    others = [dict(_leaves(output)) for output in outputs]
    shares = {path: sum(other.get(path) == value for other in others) / asked for path, value in _leaves(chosen)}
    return {path: round(tempered(share, asked), 6) for path, share in list(shares.items())[:MOST_FIELDS]}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The short values inside an output as JSON, by their paths (``items[0].sku``)."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{path}[{position}]")
    elif _is_short(value):
        yield path, json.dumps(value)


def _is_short(value: Any) -> bool:
    return not isinstance(value, Mapping | list) and value is not None and len(str(value)) <= LONGEST_VALUE


def _span(text: str, name: str, value: Any) -> tuple[int, int] | None:
    """Where in the text the value of a field stands. The output comes last, so the last match counts."""
    for match in reversed(list(re.finditer(re.escape(json.dumps(name)) + r"\s*:\s*", text))):
        try:
            found, end = json.JSONDecoder().raw_decode(text, match.end())
        except ValueError:
            continue
        if found == value and type(found) is type(value):
            quoted = isinstance(value, str)
            return match.end() + quoted, end - quoted
    return None
