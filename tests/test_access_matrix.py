"""Who may do what to which row: every role against every verb and object, generated from the table of roles.

`can` (one row) and `visible` (a list) are asked for every cell, and must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import models

from cases.access import can, demand, visible
from cases.errors import Forbidden, Missing
from cases.models import AuditEvent, Case, Prediction, WebhookEndpoint
from hitl_project.roles import APPS, ROLES
from review.models import Decision, Notice, Policy, Queue, ReviewTask
from tests.factories import (
    make_case,
    make_case_type,
    make_decision,
    make_endpoint,
    make_policy,
    make_prediction,
    make_queue,
    make_task,
    make_user,
)

TABLE = """
object: verb                         | reviewer  | expert    | supervisor  | auditor        | manager    | integration | administrator
case: see                            | O         | O         | A           | A              | aggregates | own source  | A+
case: send in                        | –         | –         | –           | –              | –          | own source  | –
task: claim, release                 | O         | O         | A (force +) | quality queues | –          | –           | –
decide, low risk                     | own claim | own claim | own claim   | –              | –          | –           | –
decide, high risk                    | propose   | propose   | 2           | –              | –          | –           | –
raise, comment                       | own claim | own claim | A           | comment        | –          | –           | –
reopen, override                     | –         | –         | 2+          | request        | –          | –           | –
take back before effects leave       | own       | own       | A (+)       | –              | –          | –           | –
ask for reopening                    | –         | –         | –           | A              | –          | –           | –
second read, sample                  | –         | –         | –           | O, never own   | –          | –           | –
policy, threshold, prompt, model     | view      | view      | 2+          | view           | view       | –           | 2+, never own
stop automatic decisions             | –         | –         | yes+        | –              | –          | –           | yes+
webhook endpoint                     | –         | –         | redeliver+  | view           | –          | own         | A+
audit log: read, export              | own acts  | own acts  | team        | A              | counts     | –           | A
people, tokens, erasure, queues      | –         | –         | view team   | view           | –          | –           | 2+ for erasure
"""

# The situations in which a row can stand to the account that asks.
ORDINARY = frozenset({"queue", "claim", "elsewhere", "sent"})
QUALITY = frozenset({"quality", "quality claim", "quality, decided by me"})
DECISIONS = frozenset({"mine", "theirs, after mine", "theirs, my queue", "theirs, elsewhere"})
OWNED = frozenset({"mine", "theirs"})
ACTS = frozenset({"me", "team", "outsider", "machine"})
QUEUES = frozenset({"own", "other", "quality"})
ALL = frozenset({"*"})
ONE = frozenset({"one"})


@dataclass(frozen=True)
class Rule:
    """What the cells of a row mean for one verb: the situations in which it is allowed. A cell not listed means never."""

    row: str
    verb: str
    model: type[models.Model] | None
    domain: frozenset[str]
    cells: Mapping[str, frozenset[str] | set[str]] = field(default_factory=dict)

    def allowed(self, cell: str) -> frozenset[str]:
        found = frozenset(self.cells.get(cell, ()))
        return self.domain if found == ALL else found

    def __str__(self) -> str:
        return f"{self.row} [{self.verb}]"


CASE, TASK = "case: see", "task: claim, release"
RULE_ROW, HOOK_ROW, PEOPLE = "policy, threshold, prompt, model", "webhook endpoint", "people, tokens, erasure, queues"
RULES = [
    Rule(CASE, "cases.view_case", Case, ORDINARY, {"O": {"queue", "claim"}, "A": ALL, "own source": {"sent"}}),
    Rule(CASE, "review.view_reviewtask", ReviewTask, ORDINARY, {"O": {"queue", "claim"}, "A": ALL, "own source": {"sent"}}),
    Rule(CASE, "cases.view_prediction", Prediction, ORDINARY, {"O": {"queue", "claim"}, "A": ALL, "own source": {"sent"}}),
    Rule(CASE, "cases.view_case_with_reason", Case, ORDINARY, {"A+": ALL}),
    Rule(CASE, "metrics.view_report", None, ONE, {"aggregates": ALL, "A": ALL, "A+": ALL}),
    Rule("case: send in", "cases.add_case", None, ONE, {"own source": ALL}),
    Rule("case: send in", "cases.cancel_case", Case, ORDINARY, {"own source": {"sent"}}),
    Rule("case: send in", "cases.predict_case", Case, ORDINARY, {"own source": {"sent"}}),
    Rule("case: send in", "cases.add_attachment", Case, ORDINARY, {"own source": {"sent"}}),
    Rule("case: send in", "feedback.add_outcomereport", Case, ORDINARY, {"own source": {"sent"}}),
    Rule(TASK, "review.claim_reviewtask", ReviewTask, ORDINARY, {"O": {"queue", "claim"}, "A (force +)": ALL}),
    Rule(TASK, "review.claim_reviewtask", Queue, QUEUES, {"O": {"own"}, "A (force +)": {"own", "other"}, "quality queues": {"quality"}}),
    Rule(TASK, "review.release_any_reviewtask", ReviewTask, ORDINARY | QUALITY, {"A (force +)": ALL}),
    Rule(TASK, "review.assign_reviewtask", ReviewTask, ORDINARY, {"A (force +)": ALL}),
    Rule("decide, low risk", "review.decide_reviewtask", ReviewTask, ORDINARY, {"own claim": {"claim"}}),
    Rule("decide, high risk", "review.decide_reviewtask", ReviewTask, ORDINARY, {"propose": {"claim"}, "2": {"claim"}}),
    Rule("decide, high risk", "review.approve_decision", Decision, DECISIONS, {"2": {"theirs, my queue", "theirs, elsewhere"}}),
    Rule("raise, comment", "review.raise_reviewtask", ReviewTask, ORDINARY, {"own claim": {"claim"}, "A": ALL}),
    Rule("raise, comment", "cases.comment_case", Case, ORDINARY, {"own claim": {"claim"}, "A": ALL, "comment": ALL}),
    Rule("reopen, override", "review.override_decision", Decision, DECISIONS, {"2+": ALL}),
    Rule("reopen, override", "review.request_reopening", Decision, DECISIONS, {"request": ALL}),
    Rule("take back before effects leave", "review.undo_decision", Decision, DECISIONS, {"own": {"mine"}, "A (+)": ALL}),
    Rule("ask for reopening", "review.request_reopening", Decision, DECISIONS, {"A": ALL}),
    Rule("second read, sample", "review.claim_reviewtask", ReviewTask, QUALITY, {"O, never own": {"quality", "quality claim"}}),
    Rule("second read, sample", "review.decide_reviewtask", ReviewTask, QUALITY, {"O, never own": {"quality claim"}}),
    Rule(RULE_ROW, "review.view_policy", Policy, OWNED, {"view": ALL, "2+": ALL, "2+, never own": ALL}),
    Rule(RULE_ROW, "feedback.view_modelversion", None, ONE, {"view": ALL, "2+": ALL, "2+, never own": ALL}),
    Rule(RULE_ROW, "review.add_policy", None, ONE, {"2+": ALL, "2+, never own": ALL}),
    Rule(RULE_ROW, "review.approve_policy", Policy, OWNED, {"2+": {"theirs"}, "2+, never own": {"theirs"}}),
    Rule(RULE_ROW, "feedback.promote_modelversion", None, ONE, {"2+": ALL, "2+, never own": ALL}),
    Rule("stop automatic decisions", "review.stop_policy", Policy, OWNED, {"yes+": ALL}),
    Rule(HOOK_ROW, "cases.view_webhookendpoint", WebhookEndpoint, OWNED, {"redeliver+": ALL, "view": ALL, "own": {"mine"}, "A+": ALL}),
    Rule(HOOK_ROW, "cases.redeliver_webhookendpoint", WebhookEndpoint, OWNED, {"redeliver+": ALL, "own": {"mine"}, "A+": ALL}),
    Rule(HOOK_ROW, "cases.change_webhookendpoint", WebhookEndpoint, OWNED, {"own": {"mine"}, "A+": ALL}),
    Rule("audit log: read, export", "cases.view_auditevent", AuditEvent, ACTS, {"own acts": {"me"}, "team": {"me", "team"}, "A": ALL}),
    Rule("audit log: read, export", "cases.export_auditevent", AuditEvent, ACTS, {"own acts": {"me"}, "team": {"me", "team"}, "A": ALL}),
    Rule("audit log: read, export", "cases.count_auditevent", None, ONE, {"counts": ALL}),
    Rule("audit log: read, export", "cases.change_auditevent", AuditEvent, ACTS),
    Rule(PEOPLE, "auth.view_user", User, ACTS - {"machine"}, {"view team": {"me", "team"}, "view": ALL, "2+ for erasure": ALL}),
    Rule(PEOPLE, "auth.change_user", User, ACTS - {"machine"}, {"2+ for erasure": ALL}),
    Rule(PEOPLE, "cases.view_apitoken", None, ONE, {"view": ALL, "2+ for erasure": ALL}),
    Rule(PEOPLE, "cases.add_apitoken", None, ONE, {"2+ for erasure": ALL}),
    Rule(PEOPLE, "cases.erase_case", Case, ORDINARY, {"2+ for erasure": ALL}),
    Rule(PEOPLE, "review.change_queue", Queue, QUEUES, {"2+ for erasure": ALL}),
]  # fmt: skip


def cells() -> dict[tuple[str, str], str]:
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
    return {(line[0], role): cell for line in lines for role, cell in zip(head[1:], line[1:], strict=True)}


CELLS = cells()


class World:
    """One row of every kind in every situation, as seen by one account."""

    def __init__(self, role: str) -> None:
        self.user = make_user(role)
        self.colleague = make_user("reviewer")
        self.outsider = make_user("administrator")
        self.own = make_queue("own", groups=(role,))
        self.other = make_queue("other", groups=("reviewer",) if role != "reviewer" else ("expert",))
        self.quality = make_queue("quality", groups=("auditor",), kind="quality")
        if role == "reviewer":
            self.own.groups.set([])  # the colleague is a reviewer too, and works elsewhere
            self.own.groups.add(*self.user.groups.all())
        self.case_type = make_case_type()
        self.tasks = dict(self._tasks())

    def _task(self, queue: Queue, *, claimed: bool = False, **case: Any) -> ReviewTask:
        row = make_case(self.case_type, state="in_review", **case)
        make_prediction(row)
        return make_task(row, queue=queue, claimed_by=self.user if claimed else None)

    def _tasks(self) -> Iterator[tuple[str, ReviewTask]]:
        yield "queue", self._task(self.own)
        yield "claim", self._task(self.own, claimed=True)
        yield "elsewhere", self._task(self.other, sender=self.outsider)
        yield "sent", self._task(self.other, sender=self.user)
        yield "quality", self._task(self.quality)
        yield "quality claim", self._task(self.quality, claimed=True)
        again = self._task(self.quality, version=2)
        make_decision(again.case, by=self.user, case_version=1)
        yield "quality, decided by me", again

    def rows(self, model: type[models.Model] | None) -> dict[str, Any]:
        makers: dict[Any, Any] = {
            Case: lambda: {name: task.case for name, task in self.tasks.items()},
            ReviewTask: lambda: self.tasks,
            Prediction: lambda: {name: task.case.predictions.get() for name, task in self.tasks.items()},
            Decision: self._decisions,
            Policy: self._policies,
            WebhookEndpoint: lambda: {"mine": make_endpoint("a", owner=self.user), "theirs": make_endpoint("b")},
            AuditEvent: self._acts,
            User: lambda: {"me": self.user, "team": self.colleague, "outsider": self.outsider},
            Queue: lambda: {"own": self.own, "other": self.other, "quality": self.quality},
            None: dict,
        }
        rows: dict[str, Any] = makers[model]()
        return rows

    def _decisions(self) -> dict[str, Decision]:
        case = {name: self.tasks[name].case for name in ("claim", "queue", "elsewhere")}
        return {
            "mine": make_decision(case["claim"], by=self.user, held=True),
            "theirs, after mine": make_decision(case["claim"], by=self.colleague, held=True, case_version=2),
            "theirs, my queue": make_decision(case["queue"], by=self.colleague, held=True),
            "theirs, elsewhere": make_decision(case["elsewhere"], by=self.colleague, held=True),
        }

    def _policies(self) -> dict[str, Policy]:
        return {
            "mine": make_policy(self.case_type, status="proposed", author_account=self.user),
            "theirs": make_policy(self.case_type, status="proposed", author_account=self.outsider),
        }

    def _acts(self) -> dict[str, AuditEvent]:
        actors = {"me": self.user.pk, "team": self.colleague.pk, "outsider": self.outsider.pk, "machine": None}
        return {
            name: AuditEvent.objects.create(action="x", actor=name, actor_id=pk, origin="test")
            for name, pk in actors.items()
        }


def every_cell() -> Iterator[Any]:
    for rule in RULES:
        for role in ROLES:
            yield pytest.param(rule, role, id=f"{rule}-{role}")


@pytest.mark.parametrize(("rule", "role"), list(every_cell()))
@pytest.mark.django_db
def test_every_cell_of_the_table_holds(rule: Rule, role: str) -> None:
    world = World(role)
    expected = rule.allowed(CELLS[rule.row, role])
    user = User.objects.get(pk=world.user.pk)
    if rule.model is None:
        assert can(user, rule.verb) is bool(expected)
        return
    rows = {name: row for name, row in world.rows(rule.model).items() if name in rule.domain}
    assert set(rows) == rule.domain
    assert {name for name, row in rows.items() if can(user, rule.verb, row)} == expected
    listed = rule.model._default_manager.filter(pk__in=[row.pk for row in rows.values()])
    seen = list(visible(user, listed, rule.verb).values_list("pk", flat=True))
    assert sorted(seen) == sorted(rows[name].pk for name in expected)  # each once


def test_the_table_speaks_of_every_role_and_every_row_is_tested() -> None:
    assert {role for _row, role in CELLS} == set(ROLES)
    assert {row for row, _role in CELLS} == {rule.row for rule in RULES}


def test_every_cell_that_allows_something_is_given_a_meaning() -> None:
    meanings = {(rule.row, cell) for rule in RULES for cell in rule.cells}
    silent = {(row, cell) for (row, _role), cell in CELLS.items() if cell != "–"} - meanings
    assert not silent


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.django_db
def test_nothing_is_allowed_to_strangers_the_role_less_and_the_deactivated(rule: Rule) -> None:
    world = World("supervisor")
    gone = make_user("supervisor", is_active=False)
    for row in [None, *world.rows(rule.model).values()]:
        for account in (AnonymousUser(), make_user(), gone):
            assert not can(account, rule.verb, row)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.django_db
def test_a_verb_that_a_role_is_not_given_is_refused(role: str) -> None:
    user = make_user(role)
    rows = Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    names = {f"{row.content_type.app_label}.{row.codename}" for row in rows}
    assert {name for name in names if can(user, name)} == ROLES[role]
    assert not can(user, "cases.no_such_verb")


@pytest.mark.django_db
def test_what_one_may_not_see_is_missing_and_what_one_may_see_and_not_do_is_forbidden() -> None:
    world = World("reviewer")
    with pytest.raises(Missing):
        demand(world.user, "review.claim_reviewtask", world.tasks["elsewhere"], see="review.view_reviewtask")
    with pytest.raises(Forbidden):
        demand(world.user, "review.decide_reviewtask", world.tasks["queue"], see="review.view_reviewtask")
    demand(world.user, "review.decide_reviewtask", world.tasks["claim"], see="review.view_reviewtask")


@pytest.mark.django_db
def test_a_task_is_listed_once_however_many_groups_lead_to_it() -> None:
    world = World("reviewer")
    make_queue("own", groups=("expert", "supervisor"))
    world.user.groups.add(*make_user("expert").groups.all(), *make_user("supervisor").groups.all())
    user = User.objects.get(pk=world.user.pk)
    for model, verb in (
        (Case, "cases.view_case"),
        (ReviewTask, "review.claim_reviewtask"),
        (AuditEvent, "cases.view_auditevent"),
    ):
        seen = list(visible(user, model._default_manager.all(), verb).values_list("pk", flat=True))
        assert len(seen) == len(set(seen))


@pytest.mark.django_db
def test_a_task_handed_over_from_another_queue_is_theirs_to_decide() -> None:
    world = World("reviewer")
    task = make_task(make_case(world.case_type, state="in_review"), queue=world.other, claimed_by=world.user)
    assert can(world.user, "review.decide_reviewtask", task)
    assert can(world.user, "cases.view_case", task.case)


@pytest.mark.django_db
def test_whoever_is_asked_about_a_case_may_write_beside_it_while_they_may_see_it() -> None:
    world = World("reviewer")
    for place in ("queue", "elsewhere"):
        case = world.tasks[place].case
        assert not can(world.user, "cases.comment_case", case)
        Notice.objects.create(user=world.user, case=case, kind="help")
    assert can(world.user, "cases.comment_case", world.tasks["queue"].case)
    assert not can(world.user, "cases.comment_case", world.tasks["elsewhere"].case)


@pytest.mark.parametrize("role", ["reviewer", "supervisor"])
@pytest.mark.django_db
def test_the_prediction_of_a_blind_task_is_hidden_until_the_first_answer(role: str) -> None:
    world = World(role)
    prediction = world.tasks["claim"].case.predictions.get()
    ReviewTask.objects.update(blind=True)
    assert not can(world.user, "cases.view_prediction", prediction)
    ReviewTask.objects.update(first_answer={"label": "refund"})
    assert can(world.user, "cases.view_prediction", prediction)


@pytest.mark.django_db
def test_a_group_of_the_operators_own_works_like_ours() -> None:
    world = World("reviewer")
    night = make_queue("own").groups.create(name="night-shift")
    night.permissions.set(world.user.groups.get().permissions.all())
    user = make_user()
    user.groups.add(night)
    assert can(user, "review.claim_reviewtask", world.tasks["queue"])
    assert not can(user, "review.claim_reviewtask", world.tasks["elsewhere"])
