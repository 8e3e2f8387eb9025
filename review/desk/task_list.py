"""The list of open tasks: what it can be narrowed by, and one page of it by key, the earliest due first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User
from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext_lazy as _

from cases.access import visible
from cases.clock import from_now
from cases.models import Case, CaseType
from cases.models.choices import Priority, Reason
from review.models import Queue, ReviewTask
from review.queues import CLAIMED, HELD, RUNNING, SNOOZED, Counted

PAGE_SIZE, MOST_COUNTED, MOST_CHOICES = 50, 1_000, 200
MOST_READ = 10_000
UNREAD = ("case__payload", "case__context", "case__metadata", "trace", "note")
AGES = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3)}
AGES |= {"1w": timedelta(days=7)}
STAGES: dict[str, Q] = {"waiting": ~RUNNING & ~HELD, "claimed": CLAIMED, "held": HELD, "snoozed": SNOOZED}
ANY = [("", _("any"))]
NOT_YET_READ = Q(blind=True, first_answer__isnull=True)


class TaskFilters(forms.Form):
    """The filters as a form of the page. A value that is none of the choices narrows nothing."""

    queue = forms.ChoiceField(label=_("Queue"), required=False)
    case_type = forms.ChoiceField(label=_("Case type"), required=False)
    reason = forms.ChoiceField(label=_("Why"), required=False, choices=[*ANY, *Reason.choices])
    priority = forms.ChoiceField(label=_("Priority"), required=False, choices=[*ANY, *Priority.choices])
    stage = forms.ChoiceField(
        label=_("In hands"),
        required=False,
        choices=[
            *ANY,
            ("waiting", _("nobody’s: waiting")),
            ("claimed", _("somebody’s")),
            ("held", _("held")),
            ("snoozed", _("snoozed")),
        ],
    )
    age = forms.ChoiceField(
        label=_("Waiting for"),
        required=False,
        choices=[
            *ANY,
            ("1h", _("over an hour")),
            ("4h", _("over four hours")),
            ("1d", _("over a day")),
            ("3d", _("over three days")),
            ("1w", _("over a week")),
        ],
    )
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"title": _("Looked for among the 10,000 most pressing tasks")}),
    )
    overdue = forms.BooleanField(label=_("Overdue"), required=False)
    mine = forms.BooleanField(label=_("Mine"), required=False)

    def __init__(self, data: QueryDict, *, user: User, queue: Queue | None = None) -> None:
        super().__init__(data)
        types = visible(user, CaseType.objects.order_by("name"), "cases.view_casetype")
        self._choose("case_type", types)
        if queue is None:
            self._choose("queue", visible(user, Queue.objects.order_by("name"), "review.view_queue"))
        else:
            del self.fields["queue"]
        self.full_clean()

    def _choose(self, name: str, rows: QuerySet[Any]) -> None:
        field: Any = self.fields[name]
        field.choices = [*ANY, *rows.values_list("key", "name")[:MOST_CHOICES]]

    @property
    def wanted(self) -> dict[str, Any]:
        """What is asked for, without what is empty or none of the choices."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def query(self) -> str:
        """The same as a query string."""
        return urlencode({name: "on" if value is True else value for name, value in self.wanted.items()})


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks, how many there are in all (counted up to `MOST_COUNTED`), and the key of the next page, if any."""

    tasks: list[ReviewTask]
    count: int
    after: str = ""

    @property
    def capped(self) -> bool:
        return self.count >= MOST_COUNTED


def open_tasks(user: User, wanted: Mapping[str, Any], *, queue: Queue | None = None) -> QuerySet[ReviewTask]:
    """The open tasks that the account may see and that fit, the earliest due first."""
    rows = visible(user, ReviewTask.objects.open(), "review.view_reviewtask")
    rows = rows.filter(queue=queue) if queue else rows
    for name, value in wanted.items():
        rows = rows.filter(_condition(name, value, user)) if name != "label" else rows
    rows = rows.order_by("due_at", "id")
    return _labelled(rows, wanted["label"]) if "label" in wanted else rows


def page_of(rows: QuerySet[ReviewTask], *, after: str = "") -> Page:
    """The tasks after a key that an earlier page gave; the first ones for any other text. One query."""
    counted = Counted(rows.values("pk")[:MOST_COUNTED])
    now = models.ExpressionWrapper(Now(), output_field=models.DateTimeField())
    read = rows.filter(_later_than(after)).select_related("case__case_type", "queue", "assignee").defer(*UNREAD)
    tasks: list[Any] = list(read.annotate(read_at=now, count=counted)[: PAGE_SIZE + 1])
    more = len(tasks) > PAGE_SIZE
    found = int(tasks[0].count) if tasks else 0
    return Page(tasks[:PAGE_SIZE], found, _key(tasks[PAGE_SIZE - 1]) if more else "")


def _condition(name: str, value: Any, user: User) -> Q:
    plain = {
        "queue": lambda: Q(queue__in=Queue.objects.filter(key=value).values("pk")[:1]),
        "case_type": lambda: Q(case_type__in=CaseType.objects.filter(key=value).values("pk")[:1]),
        "priority": lambda: Q(priority=value),
        "stage": lambda: STAGES[value],
        "age": lambda: Q(opened_at__lt=from_now(seconds=-int(AGES[value].total_seconds()))),
        "overdue": lambda: Q(due_at__lt=Now()),
        "mine": lambda: Q(assignee=user) & (RUNNING | HELD),
        # What tells of the machine's answer does not find what is still to be read blind.
        "reason": lambda: Q(reason=value) if value == Reason.SAMPLE else Q(reason=value) & ~NOT_YET_READ,
    }
    return plain[name]()


def _labelled(rows: QuerySet[ReviewTask], label: str) -> QuerySet[ReviewTask]:
    """Those of the most pressing ones whose case bears the label. No index knows the labels of open tasks alone, so this
    reads case by case, as far as `MOST_READ`; joined, it would be tempted to read every case there is."""
    said = Case.everything.filter(pk=OuterRef("case_id")).values("label")[:1]
    pressing = ReviewTask.objects.filter(pk__in=rows.exclude(NOT_YET_READ).values("pk")[:MOST_READ])
    return pressing.annotate(said=Subquery(said)).filter(said=label).order_by("due_at", "id")


def _key(task: ReviewTask) -> str:
    return f"{task.due_at.isoformat()}~{task.pk}"


def _later_than(after: str) -> Q:
    moment, _tilde, number = after.partition("~")
    due = _moment(moment)
    if due is None or not (number.isascii() and number.isdecimal() and len(number) < len(str(2**63))):
        return Q()
    return Q(due_at__gte=due) & (Q(due_at__gt=due) | Q(id__gt=int(number)))


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and is_aware(found) else None
