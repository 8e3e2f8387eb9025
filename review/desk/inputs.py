"""The original input as blocks to read, each by its kind.

What a payload, always a JSON object, may hold, and how it is shown:

* an e-mail (`review.desk.emails` lists the shapes): headers in a table, the text with its quotes and signature folded. It may
  be the payload itself, beside other fields, or the object under a key, as in ``{"email": {"subject": …, "text": …}}``.
* a text: a string with a line break, of more than 90 characters, under ``text``, or with evidence in it. Long ones scroll.
* short values: names and values, in the payload's order; an object of nothing else is a group under its key.
* a table: a list of like objects, ``[{"item": "lamp", "price": 40}, …]``, or ``{"columns": […], "rows": [[…], …]}``.
* anything else that is nested: a tree that folds.

Evidence points at a text by its path, ``{"field": "payload.items[0].name", "start": 0, "end": 4, "supports": "amount"}``. However
large the payload, a page shows about 64 kB of it as HTML; the rest is cut, and the whole can be read on a page of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from review.desk.blocks import Block, Email, Pair, Pairs, Passage, Table, Tree, titled
from review.desk.emails import email_in
from review.desk.folding import is_reply
from review.desk.passages import passage_of
from review.desk.sheet import Sheet, sheet_of
from review.desk.tables import table_of
from review.desk.text import Mark
from review.desk.trees import tree_of
from review.desk.values import is_scalar, scalar_at

ROOM = 64_000
SHORT = 90
MOST_PAIRS = 120
GROUP = 16  # short values that still make a group
MOST_BLOCKS = 30
BLOCK, PAIR = 300, 60  # bytes of markup
KINDS: tuple[type[Block], ...] = (Email, Pairs, Passage, Table, Tree)


@dataclass(slots=True)
class Input:
    """A payload, ready to be shown: its blocks in the order in which they are best read."""

    blocks: list[Block] = field(default_factory=list)
    left_out: int = 0

    @property
    def cut(self) -> bool:
        return bool(self.left_out) or any(block.cut for block in self.blocks)

    @property
    def alone(self) -> bool:
        """One text and nothing else, which needs no heading of its own."""
        return len(self.blocks) == 1 and isinstance(self.blocks[0], Passage)


def input_of(payload: Any, marks: Sequence[Mark]) -> Input:
    """A payload as blocks: e-mails, short values, texts, tables, trees, each kind in the payload's own order."""
    sheet = sheet_of(ROOM, marks)
    facts = payload if isinstance(payload, Mapping) else {"": payload}
    shown = Input()
    found = email_in(facts, "payload", sheet)
    rest = {key: value for key, value in facts.items() if not found or key not in found.used}
    pairs = {key: value for key, value in rest.items() if _is_short(str(key), value)}
    shown.left_out += _add_pairs(shown, pairs, sheet)
    others = [(str(key), value) for key, value in rest.items() if key not in pairs][:MOST_BLOCKS]
    shown.left_out += len(rest) - len(pairs) - len(others)
    sheet.spend(BLOCK * len(others))
    for position, (key, value) in enumerate(others):
        with sheet.part(among=len(others) - position) as part:
            shown.blocks.append(_block(key, value, part))
    shown.blocks.sort(key=lambda block: KINDS.index(type(block)))
    if found:
        shown.blocks.insert(0, found.email)
    return shown


def _is_short(key: str, value: Any) -> bool:
    if isinstance(value, dict | list) and value:
        return False
    if not isinstance(value, str):
        return True
    return len(value) <= SHORT and "\n" not in value and key != "text"


def _add_pairs(shown: Input, pairs: Mapping[str, Any], sheet: Sheet) -> int:
    """Short values as one block; returns how many were left out."""
    if not pairs:
        return 0
    rows = [_pair(key, value, "payload", sheet) for key, value in list(pairs.items())[:MOST_PAIRS]]
    shown.blocks.append(Pairs("", rows))
    return len(pairs) - len(rows)


def _pair(key: Any, value: Any, path: str, sheet: Sheet) -> Pair:
    name = str(key)[:SHORT]
    sheet.spend(PAIR + len(name))
    return Pair(titled(name), scalar_at(value, f"{path}.{key}", sheet))


def _block(key: str, value: Any, sheet: Sheet) -> Block:
    """One value that is not short, by its kind."""
    path = f"payload.{key}" if key else "payload"
    if isinstance(value, str):
        return passage_of(key[:SHORT], value, sheet.at(path), sheet, folded=is_reply(value))
    if table := table_of(key[:SHORT], value, path, sheet):
        return table
    if isinstance(value, Mapping) and (found := email_in(value, path, sheet)) and set(value) <= found.used:
        return replace(found.email, title=titled(key[:SHORT]))
    if isinstance(value, Mapping) and len(value) <= GROUP and all(is_scalar(part) for part in value.values()):
        return Pairs(titled(key[:SHORT]), [_pair(name, part, path, sheet) for name, part in value.items()])
    return tree_of(titled(key[:SHORT]), value, path, sheet)
