"""Policies: tighter at once, looser by two people, never edited, and never beyond what a case type allows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import ApiToken, AuditEvent, CaseType
from cases.models.choices import Impact
from cases.tokens import issue_token
from review.models import Calendar, Policy, Queue, ReviewTask
from review.people import deactivate
from review.policies import approve_policy, in_force, propose_policy, refuse_policy, stop_automation
from review.policy_rules import FIELDS, canonical, content_of, guard, is_looser, starting_content
from tests.factories import SCHEMA, make_case_type, make_queue, make_task, make_user

WHY = "The model has improved."
BIG = {"field": "output.amount", "op": "gt", "value": 500}
DEAR = {"field": "output.amount", "op": "gt", "value": 100}
RISKY = {"reason": "high_risk", "when": [BIG], "queue": "supervisors"}
LAST = {"default": True, "queue": "front-desk"}


def content(**changes: Any) -> dict[str, Any]:
    whole = {**starting_content("front-desk"), "mode": "exception_handler", "gold_rate": 0.1, "second_read_rate": 0.1}
    whole |= {"thresholds": {"refund": 0.97}, "promise": {"error": 0.05, "risk": 0.1}, "second_approval": [BIG]}
    whole |= {"reason_rate": 0.2, "reading_floor_seconds": 8, "on_flag": "refresher"}
    return {**whole, "routing": [RISKY, LAST], **changes}


@pytest.fixture
def case_type(db: None) -> CaseType:
    make_queue("supervisors", groups=("supervisor",), kind="supervisor")
    return make_case_type(
        "exception_handler", key="mail", impact=("customer",), policy={"threshold": 0.9, "sample_rate": 0.1}
    )


@pytest.fixture
def author(db: None) -> User:
    return make_user("supervisor")


def actions() -> list[str]:
    return list(AuditEvent.objects.filter(action__startswith="policy.").order_by("id").values_list("action", flat=True))


def test_a_tighter_policy_is_in_force_at_once(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.95)
    old, new = case_type.policies.order_by("number")
    assert (old.status, old.threshold, new.pk, new.status, new.number) == ("retired", 0.9, policy.pk, "active", 2)
    assert new.activated_at is not None
    assert (new.author_account, new.change_reason) == (author, WHY)
    assert actions() == ["policy.proposed", "policy.activated"]


def test_a_policy_names_its_calendar_and_a_version_without_one_runs_day_and_night(
    case_type: CaseType, author: User
) -> None:
    Calendar.objects.create(key="office", name="Office", hours={"mon": [["09:00", "17:00"]]})
    policy = propose_policy(case_type, author=author, reason=WHY, calendar="office")
    assert (policy.status, policy.calendar and policy.calendar.key) == ("active", "office")
    assert content_of(in_force([case_type])[case_type.pk])["calendar"] == "office"
    assert propose_policy(case_type, author=author, reason=WHY, calendar="").calendar is None
    with pytest.raises(Invalid) as told:
        propose_policy(case_type, author=author, reason=WHY, calendar="nowhere")
    assert list(told.value.errors) == ["calendar"]


def test_a_looser_policy_waits_for_a_second_person(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.8)
    assert policy.status == "proposed"
    assert in_force([case_type])[case_type.pk].number == 1
    with pytest.raises(Forbidden):
        approve_policy(policy, approver=author)
    second = make_user("administrator")
    approve_policy(policy, approver=second)
    active = in_force([case_type])[case_type.pk]
    assert (active.number, active.threshold, active.approver) == (2, 0.8, second.username)
    assert [rule.queue.key for rule in active.rules.all()] == ["front-desk"]
    assert actions() == ["policy.proposed", "policy.approved", "policy.activated"]
    assert AuditEvent.objects.get(action="policy.proposed").data["looser"] == ["threshold: 0.9 → 0.8"]


def test_a_refused_policy_never_comes_into_force(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.8)
    refuse_policy(policy, approver=make_user("supervisor"), reason="Too soon.")
    with pytest.raises(Conflict):
        approve_policy(policy, approver=make_user("supervisor"))
    assert in_force([case_type])[case_type.pk].number == 1
    assert actions() == ["policy.proposed", "policy.refused"]


def test_a_policy_is_approved_once(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.8)
    approve_policy(policy, approver=make_user("supervisor"))
    with pytest.raises(Conflict):
        approve_policy(policy, approver=make_user("supervisor"))


def test_a_proposal_older_than_what_is_in_force_must_be_made_again(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.8)
    stop_automation(case_type, by=author, reason="It writes nonsense.")
    with pytest.raises(Conflict, match="came into force since"):
        approve_policy(policy, approver=make_user("supervisor"))


def test_the_same_content_makes_no_new_version(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.9, grace_seconds=0.0)
    assert policy.number == 1
    assert case_type.policies.count() == 1
    assert actions() == []


@pytest.mark.parametrize("role", ["reviewer", "expert", "auditor", "manager", "integration"])
def test_only_supervisors_and_administrators_propose_and_stop(role: str, case_type: CaseType) -> None:
    user = make_user(role)
    with pytest.raises(Forbidden):
        propose_policy(case_type, author=user, reason=WHY, threshold=0.95)
    with pytest.raises(Forbidden):
        stop_automation(case_type, by=user, reason=WHY)


def test_who_may_not_see_policies_is_told_that_there_is_none(case_type: CaseType, author: User) -> None:
    policy = propose_policy(case_type, author=author, reason=WHY, threshold=0.8)
    with pytest.raises(Missing):
        approve_policy(policy, approver=make_user("integration"))


def test_a_change_needs_its_reason(case_type: CaseType, author: User) -> None:
    with pytest.raises(Invalid) as refusal:
        propose_policy(case_type, author=author, reason=" ", threshold=0.95)
    assert set(refusal.value.errors) == {"reason"}


def test_automation_stops_at_once_and_starts_again_only_by_two(case_type: CaseType, author: User) -> None:
    stopped = stop_automation(case_type, by=author, reason="It writes nonsense.")
    assert (stopped.mode, stopped.status, stopped.threshold) == ("validator", "active", 0.9)
    assert actions() == ["policy.stopped", "policy.proposed", "policy.activated"]
    assert propose_policy(case_type, author=author, reason="Mended.", mode="exception_handler").status == "proposed"
    assert stop_automation(case_type, by=author, reason="Again.").pk == stopped.pk


def test_a_stop_is_never_refused_whatever_has_become_of_the_case_type(case_type: CaseType, author: User) -> None:
    Policy.objects.update(thresholds={"gone": 0.5})
    assert stop_automation(case_type, by=author, reason="It writes nonsense.").mode == "validator"


def test_a_new_case_type_starts_as_validator_with_a_queue_that_reviewers_work_in(db: None) -> None:
    case_type = CaseType.objects.create(key="new", name="New", output_schema=SCHEMA, impact=["internal"])
    policy = in_force([case_type])[case_type.pk]
    assert (policy.mode, policy.number, policy.status, policy.author) == ("validator", 1, "active", "policy")
    assert policy.rules.get().default
    assert Queue.objects.get(key="front-desk").groups.filter(name="reviewer").exists()
    assert in_force([case_type])[case_type.pk].pk == policy.pk
    assert guard(case_type, content_of(policy)) == {}


def test_what_is_in_force_is_read_with_two_queries_however_many_there_are(
    case_type: CaseType, django_assert_max_num_queries: Any
) -> None:
    types = [case_type, *(make_case_type() for _ in range(5))]
    with django_assert_max_num_queries(3):
        found = in_force(types)
        assert [rule.queue.key for policy in found.values() for rule in policy.rules.all()] == ["front-desk"] * 6


LOOSER: list[tuple[dict[str, Any], str]] = [
    ({"mode": "teacher"}, "mode: exception_handler → teacher"),
    ({"mode": "autonomous"}, "mode: exception_handler → autonomous"),
    ({"threshold": 0.8}, "threshold: 0.9 → 0.8"),
    ({"thresholds": {"refund": 0.9}}, "thresholds.refund: 0.97 → 0.9"),
    ({"thresholds": {}}, "thresholds.refund: 0.97 → 0.9"),
    ({"thresholds": {"refund": 0.97, "other": 0.5}}, "thresholds.other: 0.9 → 0.5"),
    ({"sample_rate": 0.01}, "sample_rate: 0.05 → 0.01"),
    ({"gold_rate": 0.0}, "gold_rate: 0.1 → 0.0"),
    ({"second_read_rate": 0.0}, "second_read_rate: 0.1 → 0.0"),
    ({"reason_rate": 0.0}, "reason_rate: 0.2 → 0.0"),
    ({"reading_floor_seconds": 3}, "reading_floor_seconds: 8 → 3"),
    ({"on_flag": "word"}, "on_flag: refresher → word"),
    ({"promise": {"error": 0.1, "risk": 0.1}}, "promise.error: 0.05 → 0.1"),
    ({"promise": {}}, "promise.error: 0.05 → none"),
    ({"second_approval": []}, "second_approval"),
    ({"second_approval": [BIG, DEAR]}, "second_approval"),
    ({"second_approval": [{**BIG, "value": 900}]}, "second_approval"),
    ({"routing": [LAST]}, "routing[0] (high_risk)"),
    ({"routing": [{**RISKY, "queue": "front-desk"}, LAST]}, "routing[0] (high_risk)"),
    ({"routing": [{**RISKY, "when": [BIG, DEAR]}, LAST]}, "routing[0] (high_risk)"),
    ({"routing": [{"reason": "high_risk", "queue": "supervisors"}, LAST]}, "routing[0] (high_risk)"),
]
TIGHTER: list[dict[str, Any]] = [
    {},
    {"mode": "validator"},
    {"threshold": 0.95},
    {"thresholds": {"refund": 0.99, "other": 0.95}},
    {"threshold": 0.98, "thresholds": {}},
    {"sample_rate": 0.5, "gold_rate": 0.2, "second_read_rate": 1.0},
    {"promise": {"error": 0.01, "risk": 0.1}},
    {"routing": [{**RISKY, "when": [DEAR]}, RISKY, LAST]},
    {"routing": [RISKY, {"reason": "low_confidence", "queue": "supervisors"}, LAST]},
    {"sla_minutes": {"urgent": 5}},
    {"grace_seconds": 60},
    {"reason_rate": 0.5, "reading_floor_seconds": 20},
    {"calendar": "office"},
    {"on_flag": "pause"},
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), LOOSER)
def test_overseeing_less_is_looser_and_says_how(change: dict[str, Any], told: str) -> None:
    assert any(text.startswith(told) for text in is_looser(content(), content(**change))), is_looser(
        content(), content(**change)
    )


@pytest.mark.parametrize("change", TIGHTER, ids=str)
def test_overseeing_as_much_or_more_is_not_looser(change: dict[str, Any]) -> None:
    assert is_looser(content(), content(**change)) == []


@pytest.mark.parametrize("impact", [*([one] for one in Impact.values), ["internal", "money"], []], ids=str)
@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("mode", Policy.Mode.values)
def test_autonomous_only_where_an_error_stays_inside_and_can_be_undone(
    impact: list[str], reversible: bool, idempotent: bool, mode: str
) -> None:
    case_type = CaseType(key="x", impact=impact, reversible=reversible, idempotent=idempotent, output_schema=SCHEMA)
    errors = guard(case_type, content(mode=mode), queues={"front-desk", "supervisors"}, calendars=())
    forbidden = mode == "autonomous" and not (impact == ["internal"] and (reversible or idempotent))
    assert set(errors) == ({"mode"} if forbidden else set())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "teacher", "sample_rate": 0.0}, "sample_rate"),
        ({"threshold": 0.0}, "threshold"),
        ({"thresholds": {"other": 0}}, "threshold"),
    ],
)
def test_another_mode_may_not_be_autonomous_by_its_numbers(change: dict[str, Any], field: str) -> None:
    queues = {"front-desk", "supervisors"}
    outside = CaseType(key="x", impact=["customer"], idempotent=True, output_schema=SCHEMA)
    inside = CaseType(key="x", impact=["internal"], idempotent=True, output_schema=SCHEMA)
    assert set(guard(outside, content(**change), queues=queues)) == {field}
    assert guard(inside, content(**change), queues=queues) == {}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"),
    ({"mode": None}, "mode"),
    ({"mode": ["validator"]}, "mode"),
    ({"threshold": float("nan")}, "threshold"),
    ({"sample_rate": -0.1}, "sample_rate"),
    ({"gold_rate": "x"}, "gold_rate"),
    ({"thresholds": []}, "thresholds"),
    ({"thresholds": {"praise": 0.5}}, "thresholds.praise"),
    ({"promise": {"risk": 0.1}}, "promise"),
    ({"grace_seconds": 1.5}, "grace_seconds"),
    ({"sla_minutes": []}, "sla_minutes"),
    ({"on_flag": "shout"}, "on_flag"),
    ({"sla_minutes": {"high": True}}, "sla_minutes.high"),
    ({"second_approval": "x"}, "second_approval"),
    ({"second_approval": [{"field": "output.amount", "op": "matches", "value": "(a"}]}, "second_approval[0].value"),
    ({"routing": None}, "routing"),
    ({"routing": "abc"}, "routing"),
    ({"routing": [None, LAST]}, "routing[0]"),
    ({"routing": [LAST, RISKY]}, "routing"),
    ({"routing": [LAST, LAST]}, "routing"),
    ({"routing": [{**RISKY, "reason": ["x"]}, LAST]}, "routing[0].reason"),
    ({"routing": [{**RISKY, "queue": ["x"]}, LAST]}, "routing[0].queue"),
    ({"routing": [{**LAST, "when": [BIG]}]}, "routing[0].default"),
    ({"routing": [{**RISKY, "weight": 1}, LAST]}, "routing[0].weight"),
]


@pytest.mark.parametrize(("change", "field"), WRONG, ids=str)
def test_what_a_policy_may_not_say_is_refused_by_field(
    change: dict[str, Any], field: str, case_type: CaseType, author: User
) -> None:
    with pytest.raises(Invalid) as refusal:
        propose_policy(case_type, author=author, reason=WHY, **content(**change))
    assert field in refusal.value.errors
    assert case_type.policies.count() == 1


ODD: list[Any] = [
    None,
    True,
    -1,
    10**400,
    float("nan"),
    "",
    "x",
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"x": {}},
    [{"when": 1}],
    {"refund": []},
]


@pytest.mark.parametrize("field", [*FIELDS, "routing.when", "routing.queue", "routing.reason", "routing.default"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_no_content_however_odd_breaks_the_guard(field: str, value: Any) -> None:
    name, _dot, key = field.partition(".")
    change = {name: [{**RISKY, key: value}, LAST]} if key else {name: value}
    case_type = CaseType(key="x", impact=["customer"], output_schema=SCHEMA)
    errors = guard(case_type, content(**change), queues={"front-desk", "supervisors"}, calendars=())
    assert all(path.startswith(name) for path in errors)


def test_a_policy_reads_back_as_it_was_written(case_type: CaseType, author: User) -> None:
    make_queue("supervisors", groups=("supervisor",))
    wanted = content(threshold=0.95, thresholds={"refund": 0.97}, sample_rate=0.2)
    policy = propose_policy(case_type, author=author, reason=WHY, **wanted)
    assert canonical(content_of(Policy.objects.get(pk=policy.pk))) == canonical(wanted)


@pytest.mark.postgres_too
@pytest.mark.django_db(transaction=True)
def test_ten_proposals_at_once_are_ten_versions_and_one_is_in_force() -> None:
    case_type = make_case_type("exception_handler", policy={"threshold": 0.5})
    authors = [make_user("supervisor") for _ in range(10)]
    failed: list[Exception] = []

    def propose(author: User, threshold: float) -> None:
        try:
            propose_policy(case_type, author=author, reason=WHY, threshold=threshold)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=propose, args=(author, 0.6 + n / 100)) for n, author in enumerate(authors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sorted(case_type.policies.values_list("number", flat=True)) == list(range(1, 12))
    assert case_type.policies.filter(status="active").count() == 1


def test_a_deactivated_persons_claims_go_back_at_once_and_their_tokens_end(db: None) -> None:
    person, admin = make_user("reviewer"), make_user("administrator")
    held, other = make_task(claimed_by=person), make_task(claimed_by=make_user("reviewer"))
    issue_token(person, expires_days=None, actor=admin, origin="test")
    assert deactivate(person, by=admin) == 1
    held.refresh_from_db()
    assert (held.assignee, held.lease_token) == (None, 2)
    assert ReviewTask.objects.free().get() == held
    assert ReviewTask.objects.claimed().get() == other
    assert not User.objects.get(pk=person.pk).is_active
    assert ApiToken.objects.get().revoked_at is not None
    assert AuditEvent.objects.filter(action="account.deactivated", object_id=person.pk).exists()


@pytest.mark.parametrize(
    ("role", "refusal"), [("supervisor", Forbidden), ("reviewer", Missing), ("administrator", Conflict)]
)
def test_only_another_administrator_deactivates(role: str, refusal: type[Exception], db: None) -> None:
    by = make_user(role)
    person = by if role == "administrator" else make_user("reviewer")
    if role == "supervisor":
        make_queue()
    with pytest.raises(refusal):
        deactivate(person, by=by)
    assert User.objects.get(pk=person.pk).is_active


def test_a_new_rule_above_a_risk_that_leads_elsewhere_is_looser_and_one_below_it_is_not() -> None:
    caught = {"reason": "validation", "when": [DEAR], "queue": "front-desk"}
    old = content()
    assert is_looser(old, {**old, "routing": [caught, RISKY, LAST]})
    assert not is_looser(old, {**old, "routing": [RISKY, caught, LAST]})
    assert not is_looser(old, {**old, "routing": [{**caught, "queue": "supervisors"}, RISKY, LAST]})
