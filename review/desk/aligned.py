"""Two versions of one list, row beside row: what was left alone, changed, added and removed, by what the rows say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

Pair = tuple[int | None, int | None]


def aligned(mine: Sequence[Any], theirs: Sequence[Any]) -> list[Pair]:
    """The places in both lists of each row, in an order that keeps both; None where the row is in one of them alone."""
    own, others = [_key(row) for row in mine], [_key(row) for row in theirs]
    head = _alike(own, others)
    tail = _alike(own[head:][::-1], others[head:][::-1])
    mine_end, their_end = len(mine) - tail, len(theirs) - tail
    # What begins and ends alike is paired first: the matcher takes the longest stretch, wherever that lies.
    matcher = SequenceMatcher(None, own[head:mine_end], others[head:their_end], autojunk=False)
    found: list[Pair] = list(zip(range(head), range(head), strict=True))
    for tag, *places in matcher.get_opcodes():
        start, end, other, last = (head + place for place in places)
        if tag == "equal":
            found += zip(range(start, end), range(other, last), strict=True)
        else:
            found += _changed(mine[start:end], theirs[other:last], start, other)
    return [*found, *zip(range(mine_end, len(mine)), range(their_end, len(theirs)), strict=True)]


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many rows of two lists are the same before the first that differs."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _changed(mine: Sequence[Any], theirs: Sequence[Any], first: int, other: int) -> Iterator[Pair]:
    """The rows of two stretches that differ, those beside each other that have most in common; the order is kept."""
    shared = _shared(mine, theirs)
    here = there = 0
    while here < len(mine) or there < len(theirs):
        left, right = here < len(mine), there < len(theirs)
        ahead = shared[here][there]
        if (
            left
            and right
            and (same := _likeness(mine[here], theirs[there]))
            and ahead == same + shared[here + 1][there + 1]
        ):
            yield first + here, other + there
            here, there = here + 1, there + 1
        elif right and (not left or ahead == shared[here][there + 1]):
            yield None, other + there
            there += 1
        else:
            yield first + here, None
            here += 1


def _shared(mine: Sequence[Any], theirs: Sequence[Any]) -> list[list[float]]:
    """The most that the rows from each two places on can have in common, if they are paired in order."""
    most = [[0.0] * (len(theirs) + 1) for _row in range(len(mine) + 1)]
    for here in reversed(range(len(mine))):
        for there in reversed(range(len(theirs))):
            paired = _likeness(mine[here], theirs[there]) + most[here + 1][there + 1]
            most[here][there] = max(paired, most[here + 1][there], most[here][there + 1])
    return most


def _key(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def _likeness(one: Any, other: Any) -> float:
    """How much two rows that differ have in common, from 0 to 1. Values that stand alone have nothing."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return 0.0
    names = {*one, *other}
    return sum(name in one and name in other and _key(one[name]) == _key(other[name]) for name in names) / max(
        len(names), 1
    )
