"""What happened to the demo's cases, as plain records. The simulation fills them in, `rows` writes them down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cases.classifiers.base import Answer
from hitl_project.demo.cases import DemoCase, Output
from hitl_project.demo.people import Person


@dataclass(slots=True)
class Stay:
    """One stay of a case in a queue. ``put_down``: held or snoozed by its person, or given to them."""

    queue: str
    reason: str
    opened_at: datetime
    due_at: datetime
    trace: list[dict[str, Any]] = field(default_factory=list)
    blind: bool = False
    note: str = ""
    person: Person | None = None
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    ending: str = ""
    first_answer: Output | None = None
    put_down: str = ""
    hold_reason: str = ""
    lease_until: datetime | None = None


@dataclass(slots=True)
class Approved:
    """A second person's word on a held verdict."""

    person: Person
    at: datetime
    approved: bool = True
    note: str = ""


@dataclass(slots=True)
class Verdict:
    """What was decided about one version of a case; without a stay, by policy."""

    version: int
    outcome: str
    output: Output | None
    override: bool
    at: datetime
    stay: Stay | None = None
    held: bool = False
    seconds: float | None = None
    note: str = ""
    approval: Approved | None = None
    shown: bool = False
    closed_at: datetime | None = None


@dataclass(slots=True)
class Reading:
    """A sampled case, read blind."""

    person: Person
    verdict: Verdict
    first: Output
    final: Output
    correct: bool
    at: datetime
    seconds: float
    automated: bool
    note: str = ""


@dataclass(slots=True)
class News:
    """What the shop found out later about a verdict."""

    verdict: Verdict
    correct: bool
    output: Output | None
    source: str
    note: str
    at: datetime


@dataclass(slots=True)
class Remark:
    """A note beside a case. ``to`` are those who are told of it, ``kind`` how: mention or help."""

    person: Person
    text: str
    at: datetime
    to: tuple[Person, ...] = ()
    kind: str = "mention"


@dataclass(slots=True)
class Alarm:
    """Something that a person is told of an open case: handed_over, sent_back, urgent or late."""

    person: Person
    kind: str
    at: datetime
    sender: Person | None = None
    text: str = ""


@dataclass(slots=True)
class Life:
    """One case from its arrival to where it stands now. ``tried`` is an attempt at an answer that came before it."""

    number: int
    case: DemoCase
    created_at: datetime
    draw: float
    sampled: bool = False
    tried: Answer | None = None
    answer: Answer | None = None
    routed_at: datetime | None = None
    due_at: datetime | None = None
    reason: str = ""
    stays: list[Stay] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    reading: Reading | None = None
    news: News | None = None
    remarks: list[Remark] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    version: int = 1
    state: str = "received"

    @property
    def open_stay(self) -> Stay | None:
        last = self.stays[-1] if self.stays else None
        return last if last and last.closed_at is None else None


@dataclass(slots=True)
class Round:
    """One training: what came of it, and whether it was put to work. ``twin`` is what was judged."""

    case_type: str
    number: int
    at: datetime
    artifact: bytes
    twin: bytes
    metrics: dict[str, Any]
    trained_on: dict[str, int]
    promoted: bool
    why: str


@dataclass(slots=True)
class History:
    """All of it, oldest first."""

    now: datetime
    lives: list[Life] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    waiting: dict[int, Life] = field(default_factory=dict)
    taught: list[tuple[datetime, DemoCase]] = field(default_factory=list)
