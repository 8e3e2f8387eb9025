"""What a person typed on a review page, read from the request against the form that was shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from cases.models import Prediction
from review.decide import LONGEST_ACTIVE_SECONDS, Answer
from review.desk.fields import Field
from review.desk.form import faulty, output_of, read
from review.models import Decision, Draft, ReviewTask

MAX_TOKEN = 2**63 - 1
ASKED = ("for", "until", "person", "to_queue")


@dataclass(frozen=True, slots=True)
class Typed:
    """One submission of the review form, or of a dialog beside it (``aside``), which brings no fields of the output.

    ``shown`` is what the machine said, where that may be shown. ``asked`` is what the dialogs ask for: ``for`` and ``until``, ``person``, ``to_queue``.
    """

    verb: str
    lease_token: int
    digest: str
    fields: list[Field]
    output: dict[str, Any] | None
    reason: str
    note: str
    active_seconds: float
    shown: Mapping[str, Any] | None
    asked: Mapping[str, str]
    aside: bool

    @property
    def handing(self) -> bool:
        """Whether it came from the forms that hand a task over or ask for help."""
        return self.verb in ("hand_over", "help")

    @property
    def faulty(self) -> bool:
        """Whether a field cannot be read; who rejects needs no output at all."""
        return self.verb != Decision.Outcome.REJECT and faulty(self.fields)

    def answer(self, machine: Mapping[str, Any] | None) -> Answer:
        """The decision that the button stands for. Who approves without a change approves what was shown."""
        outcome = Decision.Outcome.APPROVE if self.verb == "machine" else self.verb
        unchanged = outcome == Decision.Outcome.APPROVE and self.output == machine
        bare = unchanged or self.verb in ("machine", Decision.Outcome.REJECT)
        return Answer(
            outcome=str(outcome),
            output=None if bare else self.output,
            reason=self.reason,
            note=self.note,
            active_seconds=self.active_seconds,
        )


def typed(data: QueryDict, *, task: ReviewTask, fields: list[Field], shown: Prediction | None) -> Typed:
    """Read a submission. Nothing is refused here: what is wrong stays in the fields for the person to mend."""
    filled = read(fields, data)
    base = shown.output if shown else None
    return Typed(
        verb=str(data.get("verb", "")),
        lease_token=number(data.get("lease_token", "")),
        digest=str(data.get("digest", "")),
        fields=filled,
        output=None if faulty(filled) else output_of(filled, base),
        reason=clean(data.get("reason", "")).strip(),
        note=clean(data.get("note", "")).strip(),
        active_seconds=_seconds(data.get("active_seconds", ""), task),
        shown=base,
        asked={name: clean(data.get(name, ""))[:200] for name in ASKED},
        aside="aside" in data,
    )


def from_draft(draft: Draft, *, task: ReviewTask, fields: list[Field], shown: Prediction | None) -> Typed:
    """What was typed before, as if it were sent now."""
    data = QueryDict(mutable=True)
    for name, values in draft.fields.items():
        data.setlist(name, values)
    return typed(data, task=task, fields=fields, shown=shown)


def clean(text: str) -> str:
    """Free text without what no database keeps."""
    return text.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode()


def number(text: str) -> int:
    """A lease token, or one that no claim ever had."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(MAX_TOKEN)) else -1


def _seconds(text: str, task: ReviewTask) -> float:
    """What the page measured, never more than the task is old."""
    try:
        measured = float(text or 0)
    except ValueError:
        return 0.0
    age = (timezone.now() - task.opened_at).total_seconds()
    return max(0.0, min(measured, age, LONGEST_ACTIVE_SECONDS)) if math.isfinite(measured) else 0.0
