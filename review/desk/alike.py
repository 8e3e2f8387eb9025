"""Which free cases of a queue are alike, and how the list that decides them together shows each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from cases.access import visible
from cases.models import CaseType, Prediction
from cases.models.choices import Reason
from cases.outputs import choices
from review.desk.machine import rows_of
from review.models import Queue, ReviewTask
from review.shown import digest_of, shown_prediction
from review.skills import readable
from review.together import MOST, ORDINARY, Kind

HEAD = 500  # the most pressing tasks of a queue: what is alike is looked for among them, at the same cost always
FEWEST = 2
EXCERPT, FULL = 200, 4_000


@dataclass(frozen=True, slots=True)
class Alike:
    """A kind of case that waits more than once."""

    kind: Kind
    case_type: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the list: its input, cut short and at length, and what the machine said of it."""

    task: ReviewTask
    prediction: Prediction
    excerpt: str
    full: str
    answer: list[tuple[str, str]]
    digest: str


def waiting_kinds(user: User, queue: Queue) -> list[Alike]:
    """What waits more than once in this queue, the most frequent first. One query, and one for the names."""
    counted = Counter(kind for _task, kind in _head(user, queue))
    often = [(kind, count) for kind, count in counted.most_common() if count >= FEWEST]
    names = dict(CaseType.objects.filter(pk__in={kind.case_type_id for kind, _n in often}).values_list("pk", "name"))
    return [Alike(kind, names[kind.case_type_id], str(Reason(kind.reason).label), n) for kind, n in often]


def rows_like(user: User, queue: Queue, kind: Kind) -> list[Row]:
    """The most pressing cases of a kind, at most as many as may be decided together. Three queries."""
    ids = [task_id for task_id, own in _head(user, queue) if own == kind][:MOST]
    return read_rows(user, ids)


def read_rows(user: User, ids: Sequence[int]) -> list[Row]:
    """Those of the tasks that the reader may see and that may be decided together, as rows, the most pressing first."""
    rows = visible(user, ReviewTask.objects.open(), "review.view_reviewtask")
    tasks = rows.filter(pk__in=ids, blind=False, reason__in=ORDINARY).defer("trace")
    found = list(tasks.select_related("case__case_type").defer("case__context").order_by("due_at", "id"))
    said = {one.case_id: one for one in _newest(task.case_id for task in found)}
    said |= {task.case_id: shown for task in found if task.planted and (shown := shown_prediction(task))}
    answered = [task for task in found if task.case_id in said and said[task.case_id].output is not None]
    return [_row(task, said[task.case_id]) for task in answered if said[task.case_id].label == task.case.label]


def labels_of(case_type_id: int, *, but: str) -> list[str]:
    """The other labels that this case type's answers may have, where they are a closed list."""
    schema = CaseType.objects.values_list("output_schema", flat=True).get(pk=case_type_id)
    part = schema.get("properties", {}).get("label", {})
    return [label for label in choices(part) if isinstance(label, str) and label != but]


def _head(user: User, queue: Queue) -> Iterator[tuple[int, Kind]]:
    """The queue's most pressing free tasks that the reader can read and that may be decided together."""
    rows = ReviewTask.objects.free().filter(readable(user), queue=queue).order_by("due_at", "id")
    values = rows.values_list("pk", "case_type_id", "case__label", "reason", "blind")[:HEAD]
    return (
        (pk, Kind(case_type_id, label, reason))
        for pk, case_type_id, label, reason, blind in values
        if label and reason in ORDINARY and not blind
    )


def _newest(case_ids: Iterable[int]) -> Iterable[Prediction]:
    """The newest prediction of each case comes last, so that it wins."""
    return Prediction.objects.filter(case__in=list(case_ids)).defer("evidence", "rationale").order_by("id")


def _row(task: ReviewTask, prediction: Prediction) -> Row:
    text = text_of(task.case.payload)
    excerpt = text if len(text) <= EXCERPT else f"{text[: EXCERPT - 1].rstrip()}…"
    answer = [(name, value) for name, value in rows_of(prediction.output) if name != "label"]
    return Row(task, prediction, excerpt, text[:FULL], answer, digest_of(task, task.case, prediction))


def text_of(payload: Any) -> str:
    """An input as running text: its texts and numbers in their order."""
    return " · ".join(part for part in _leaves(payload) if part)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield " ".join(value.split())
    elif value is not None:
        yield str(value)
