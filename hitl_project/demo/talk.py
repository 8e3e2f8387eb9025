"""Writes what the demo's people wrote to each other, what they are told of, and what each has set up for themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cases.models import CaseType
from hitl_project.demo.book import Book, written
from review import policies
from review.desk.form import fields_of
from review.models import Draft, Note, Notice, Profile, SavedFilter

WISHES = {
    "rita": {"time_zone": "Europe/London"},
    "lucia": {"time_zone": "Europe/Madrid", "language": "es"},
    "edith": {"time_zone": "Europe/Oslo"},
    "milan": {"time_zone": "Europe/London"},
}
# Who shares which filter of the list of tasks, and its query.
FILTERS = [
    ("sanjay", "Late and nobody’s", "stage=waiting&overdue=on", True),
    ("sanjay", "Second approvals", "reason=second_approval", True),
    ("edith", "Over a day old", "age=1d", True),
    ("rita", "My own", "mine=on", False),
]
LOWER_THRESHOLD = 0.74
BECAUSE = "Read blind, 96 of 100 answers between 74 % and 80 % were right in the last thirty days."


def write_notes(book: Book) -> None:
    """What stands beside the cases, the oldest first."""
    remarks = [(remark.at, life.number, remark) for life in book.history.lives for remark in life.remarks]
    rows = (
        Note(case=book.cases[number], author=book.users[remark.person.username], text=remark.text, at=at)
        for at, number, remark in sorted(remarks, key=lambda each: each[:2])
    )
    for row in written(Note, rows):
        book.notes.setdefault(row.case_id, []).append(row)


def write_desk(book: Book) -> None:
    """Notices, a draft, wishes and filters."""
    written(Notice, sorted(_notices(book), key=lambda row: row.at))
    written(Draft, _drafts(book))
    for username, wishes in WISHES.items():
        Profile.objects.update_or_create(user=book.users[username], defaults=wishes)
    written(SavedFilter, _filters(book))


def propose(book: Book) -> None:
    """A change of policy that waits for a second person."""
    case_type = CaseType.objects.get(key="support-email")
    policies.propose_policy(
        case_type, author=book.users["sigrid"], reason=BECAUSE, origin="demo", threshold=LOWER_THRESHOLD
    )


def _notices(book: Book) -> Iterator[Notice]:
    for life in book.history.lives:
        if not (life.remarks or life.alarms):
            continue
        about = {"case": book.cases[life.number], "task": book.task(life.stays[-1]) if life.stays else None}
        for remark in life.remarks:
            sender, told = book.users[remark.person.username], {"text": remark.text, "at": remark.at}
            for person in remark.to:
                yield Notice(user=book.users[person.username], kind=remark.kind, sender=sender, **told, **about)
        for alarm in life.alarms:
            user, told = book.users[alarm.person.username], {"text": alarm.text, "at": alarm.at}
            yield Notice(user=user, kind=alarm.kind, sender=book.user(alarm.sender), **told, **about)


def _drafts(book: Book) -> Iterator[Draft]:
    """What Rita had typed before she put a reply on hold."""
    for life in book.history.lives:
        stay = life.open_stay
        if stay and stay.put_down == "held" and life.case.case_type == "reply" and life.answer and life.answer.output:
            schema = book.case_types["reply"].output_schema
            person, at = book.user(stay.person), stay.claimed_at or stay.opened_at
            typed = {**_typed(schema, life.answer.output), "note": ["Asked the warehouse."]}
            yield Draft(task=book.task(stay), user=person, case_version=life.version, fields=typed, saved_at=at)


def _typed(schema: dict[str, Any], said: Mapping[str, Any]) -> dict[str, list[str]]:
    """The decision form as a browser sends it, with a sentence put in."""
    draft = str(said["draft"]).replace("\n\n", "\n\nI have asked our warehouse about it.\n\n", 1)
    fields = fields_of(schema, {**said, "draft": draft})
    chosen = {one.input_name: [option.text for option in one.options if option.chosen] for one in fields}
    return {one.input_name: chosen[one.input_name] if one.options else [one.text] for one in fields}


def _filters(book: Book) -> Iterator[SavedFilter]:
    for username, name, query, shared in FILTERS:
        yield SavedFilter(user=book.users[username], page="tasks", name=name, query=query, shared=shared)
