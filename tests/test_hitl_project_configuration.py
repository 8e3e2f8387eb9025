"""The configuration file: applied whole or not at all, twice like once, and every refusal with its line and field."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from cases.models import ApiToken, AuditEvent, CaseType, WebhookEndpoint
from cases.tokens import account_of
from hitl_project.configuration.reading import ConfigurationError, read
from review.models import Policy, Queue, RoutingRule
from tests.factories import make_user

DEMO = Path("hitl_project/demo/organisation.yaml")
CONTRACT = """
case_types:
  - key: support-email
    name: Support e-mail
    impact: [customer]
    reversible: false
    idempotent: false
    guidelines: "markdown shown beside the case"
    output_schema: {type: object, required: [label], properties: {label: {enum: [refund, billing, other]}, amount: {type: number}}}
    manual_minutes: 6
    classifier: local
    action: {backend: webhook, endpoint: crm}
    policy:
      mode: validator
      threshold: 0.9
      thresholds: {refund: 0.97}
      sample_rate: 0.05
      gold_rate: 0.02
      second_read_rate: 0.02
      promise: {error: 0.05, risk: 0.10}
      second_approval: [{field: output.amount, op: gt, value: 500}]
      grace_seconds: 0
      sla_minutes: {urgent: 15, high: 60, normal: 480, low: 2880}
      routing:
        - {reason: high_risk, when: [{field: output.amount, op: gt, value: 500}], queue: supervisors}
        - {reason: low_confidence, queue: experts}
        - {default: true, queue: front-desk}
queues:
  - {key: experts, name: Domain experts, kind: expert, groups: [expert]}
  - {key: supervisors, kind: supervisor, groups: [supervisor]}
webhooks:
  - {key: crm, url: "https://crm.example/hooks", events: [case.decided]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONTRACT)
    return path


def apply(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    capsys.readouterr()
    call_command("apply_config", str(path), *options)
    return capsys.readouterr().out


def export(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    call_command("export_config")
    return capsys.readouterr().out


def counts() -> list[int]:
    return [
        model.objects.count() for model in (CaseType, Policy, RoutingRule, Queue, WebhookEndpoint, AuditEvent, User)
    ]


@pytest.mark.django_db
def test_the_file_of_the_contract_is_applied_as_it_stands(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = apply(file, capsys)
    case_type = CaseType.objects.get(key="support-email")
    policy = case_type.policies.get(status="active")
    assert (case_type.impact, float(case_type.manual_minutes)) == (["customer"], 6.0)
    assert (policy.mode, policy.threshold, policy.thresholds) == ("validator", 0.9, {"refund": 0.97})
    assert [(rule.reason, rule.queue.key) for rule in policy.rules.all()] == [
        ("high_risk", "supervisors"), ("low_confidence", "experts"), ("", "front-desk"),
    ]  # fmt: skip
    assert list(Queue.objects.get(key="experts").groups.values_list("name", flat=True)) == ["expert"]
    assert (policy.author, policy.approver) == ("configuration file", "configuration file")
    assert re.search(r"config\.yaml \(sha256 [0-9a-f]{12}\)", policy.change_reason)
    assert "+ case type support-email" in out
    assert AuditEvent.objects.filter(action="policy.activated", actor="configuration file").exists()


@pytest.mark.django_db
def test_the_secret_of_a_new_webhook_is_shown_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = re.search(r"whsec_[A-Za-z0-9+/=]{44}", apply(file, capsys))
    assert secret
    assert WebhookEndpoint.objects.get(key="crm").secret == secret[0]
    file.write_text(CONTRACT.replace("crm.example", "crm2.example"))
    assert "whsec_" not in apply(file, capsys)
    assert "whsec_" not in export(capsys)
    assert WebhookEndpoint.objects.get(key="crm").secret == secret[0]


@pytest.mark.parametrize("source", ["contract", "demo"])
@pytest.mark.django_db
def test_the_second_run_changes_nothing(source: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file if source == "contract" else DEMO
    apply(path, capsys)
    before = counts()
    assert apply(path, capsys) == "No changes.\n"
    assert counts() == before


@pytest.mark.parametrize("source", ["contract", "demo"])
@pytest.mark.django_db
def test_an_exported_file_is_accepted_unchanged(source: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply(file if source == "contract" else DEMO, capsys)
    file.write_text(export(capsys))
    assert apply(file, capsys) == "No changes.\n"


@pytest.mark.django_db
def test_an_exported_file_makes_the_same_installation_elsewhere(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply(DEMO, capsys)
    make_user("expert", username="edith")
    exported = export(capsys)
    for model in (RoutingRule, Policy, CaseType, WebhookEndpoint, Queue, User):
        model.objects.all().delete()
    file.write_text(exported)
    assert "account edith: made without a password" in apply(file, capsys)
    assert export(capsys) == exported
    assert not User.objects.get(username="edith").has_usable_password()


@pytest.mark.django_db
def test_a_dry_run_prints_and_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = counts()
    out = apply(file, capsys, "--dry-run")
    assert "+ case type support-email" in out
    assert "would change" in out
    assert "whsec_" not in out
    assert counts() == before


@pytest.mark.django_db
def test_a_changed_policy_is_a_new_version_in_force_at_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply(file, capsys)
    file.write_text(CONTRACT.replace("threshold: 0.9\n", "threshold: 0.85\n"))
    out = apply(file, capsys)
    assert "policy.threshold: 0.9 → 0.85" in out
    assert "looser" in out
    old, new = Policy.objects.order_by("number")
    assert (old.number, old.status, old.threshold) == (1, "retired", 0.9)
    assert (new.number, new.status, new.threshold) == (2, "active", 0.85)


@pytest.mark.django_db
def test_what_the_file_does_not_mention_is_left_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply(file, capsys)
    file.write_text("case_types:\n  - {key: support-email, manual_minutes: 7, policy: {threshold: 0.95}}\n")
    apply(file, capsys)
    case_type = CaseType.objects.get(key="support-email")
    policy = case_type.policies.get(status="active")
    assert (case_type.name, float(case_type.manual_minutes), case_type.version) == ("Support e-mail", 7.0, 2)
    assert (policy.threshold, policy.second_approval[0]["value"], policy.rules.count()) == (0.95, 500, 3)
    assert Queue.objects.count() == 3


@pytest.mark.django_db
def test_a_new_case_type_without_a_policy_starts_as_validator_at_the_front_desk(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(
        "case_types:\n  - {key: memo, output_schema: {type: object, properties: {label: {type: string}}}}\n"
    )
    apply(file, capsys)
    policy = Policy.objects.get(case_type__key="memo")
    assert (policy.mode, policy.status, policy.rules.get().queue.key) == ("validator", "active", "front-desk")
    assert Queue.objects.get(key="front-desk").groups.filter(name="reviewer").exists()
    assert apply(file, capsys) == "No changes.\n"


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"backend": "log"},
        {"backend": "email", "to": ["a@example.com", "{payload.reply_to}"], "subject": "Case {id}"},
    ],
    ids=str,
)
@pytest.mark.django_db
def test_every_action_of_the_product_can_be_configured(
    action: dict[str, Any], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(changed("case_types/0/action", action))
    apply(file, capsys)
    assert CaseType.objects.get().action == action
    assert apply(file, capsys) == "No changes.\n"


@pytest.mark.django_db
def test_members_join_their_groups_and_nobody_is_removed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = make_user("expert"), make_user()
    file.write_text(
        yaml.safe_dump({"groups": [{"name": "expert", "members": [new.username]}, {"name": "night-shift"}]})
    )
    apply(file, capsys)
    assert set(Group.objects.get(name="expert").user_set.all()) == {old, new}
    assert Group.objects.filter(name="night-shift").exists()
    assert apply(file, capsys) == "No changes.\n"


SHIFTS = (
    CONTRACT.replace("key: experts,", "key: experts, weight: 3, on_breach: raise,").replace(
        "grace_seconds: 0",
        "grace_seconds: 0\n      calendar: office\n      reason_rate: 0.1\n      reading_floor_seconds: 5\n      on_flag: pause",
    )
    + """
calendars:
  - {key: office, time_zone: Europe/Madrid, hours: {mon: [["09:00", "14:00"], ["15:00", "18:00"]]}, holidays: [2026-12-25]}
groups:
  - {name: reviewer, members: [rosa]}
people:
  - username: rosa
    on_duty: true
    most_claims: 5
    skills: [{case_type: support-email, language: es}, {language: pt-br}]
"""
)


@pytest.mark.django_db
def test_calendars_weights_and_what_people_are_there_for_come_from_the_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(SHIFTS)
    assert "+ person rosa" in apply(file, capsys)
    policy = Policy.objects.select_related("calendar").get(status="active")
    assert policy.calendar is not None
    assert (policy.calendar.time_zone, policy.calendar.holidays) == ("Europe/Madrid", ["2026-12-25"])
    assert (policy.reason_rate, policy.reading_floor_seconds, policy.on_flag) == (0.1, 5, "pause")
    queue = Queue.objects.get(key="experts")
    assert (queue.weight, queue.on_breach) == (3, "raise")
    rosa = User.objects.get(username="rosa")
    assert (rosa.profile.on_duty, rosa.profile.most_claims) == (True, 5)
    assert {str(skill) for skill in rosa.skills.all()} == {"Support e-mail es", "* pt-br"}
    assert apply(file, capsys) == "No changes.\n"
    exported = export(capsys)
    file.write_text(exported)
    assert apply(file, capsys) == "No changes.\n"
    assert export(capsys) == exported


@pytest.mark.django_db
def test_a_dry_run_shows_what_changes_about_a_calendar_and_a_person(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(SHIFTS)
    apply(file, capsys)
    file.write_text(
        "people: [{username: rosa, on_duty: false}]\ncalendars: [{key: office, hours: {tue: [['08:00', '9:00']]}}]"
    )
    with pytest.raises(CommandError, match=r"calendars\[0\].hours.tue"):
        apply(file, capsys, "--dry-run")
    file.write_text(file.read_text().replace("'9:00'", "'09:00'"))
    out = apply(file, capsys, "--dry-run")
    assert "~ calendar office" in out
    assert "on_duty: True → False" in out
    assert User.objects.get(username="rosa").profile.on_duty
    apply(file, capsys)
    rosa = User.objects.get(username="rosa")
    assert (rosa.profile.on_duty, rosa.profile.most_claims, rosa.profile.version) == (False, 5, 3)
    assert AuditEvent.objects.filter(action="profile.changed").count() == 2


def changed(path: str, value: Any) -> str:
    """The contract's file with one value replaced, or removed where the value is ``...``."""
    document = copy.deepcopy(yaml.safe_load(CONTRACT))
    place, *steps = document, *[int(step) if step.isdigit() else step for step in path.split("/")]
    for step in steps[:-1]:
        place = place[step]
    if value is ...:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return yaml.safe_dump(document)


POLICY = "case_types/0/policy"
OFFICE: dict[str, Any] = {"key": "office", "hours": {"mon": [["09:00", "17:00"]]}}
WRONG = [
    ("case_types/0/colour", "red", "case_types[0].colour"),
    ("case_type", [], "case_type"),
    ("case_types", {}, "case_types"),
    ("case_types/0/key", "no spaces", "case_types[0].key"),
    ("case_types/0/output_schema", ..., "case_types[0]"),
    ("case_types/0/output_schema/type", "array", "case_types[0].output_schema"),
    (
        "case_types/0/output_schema/properties/label/pattern",
        "(a",
        "case_types[0].output_schema.properties.label.pattern",
    ),
    ("case_types/0/impact", ["everybody"], "case_types[0].impact[0]"),
    ("case_types/0/impact", "customer", "case_types[0].impact"),
    ("case_types/0/reversible", "no", "case_types[0].reversible"),
    ("case_types/0/manual_minutes", float("nan"), "case_types[0].manual_minutes"),
    ("case_types/0/manual_minutes", True, "case_types[0].manual_minutes"),
    ("case_types/0/classifier", "oracle", "case_types[0].classifier"),
    ("case_types/0/action", {"backend": "fax"}, "case_types[0].action.backend"),
    ("case_types/0/action", {"backend": "webhook", "endpoint": "erp"}, "case_types[0].action.endpoint"),
    ("case_types/0/action", {"backend": "webhook", "endpoint": "crm", "url": "x"}, "case_types[0].action.url"),
    ("case_types/0/action", {"backend": "webhook"}, "case_types[0].action.endpoint"),
    ("case_types/0/action", {"backend": "email"}, "case_types[0].action.to"),
    ("case_types/0/action", {"backend": "email", "to": ["a@example.com", 5]}, "case_types[0].action.to"),
    ("case_types/0/action", {"backend": "email", "to": "a@example.com", "cc": "x"}, "case_types[0].action.cc"),
    ("case_types/0/action", {"backend": "log", "include_body": "yes"}, "case_types[0].action.include_body"),
    ("case_types/0/action", {"backend": ["log"]}, "case_types[0].action.backend"),
    ("case_types/0/action", "log", "case_types[0].action"),
    (POLICY, "validator", "case_types[0].policy"),
    (f"{POLICY}/mode", "autonomous", "case_types[0].policy.mode"),
    (f"{POLICY}/mode", "manual", "case_types[0].policy.mode"),
    (f"{POLICY}/treshold", 0.5, "case_types[0].policy.treshold"),
    (f"{POLICY}/threshold", 1.5, "case_types[0].policy.threshold"),
    (f"{POLICY}/threshold", "0.9", "case_types[0].policy.threshold"),
    (f"{POLICY}/threshold", True, "case_types[0].policy.threshold"),
    (f"{POLICY}/sample_rate", float("inf"), "case_types[0].policy.sample_rate"),
    (f"{POLICY}/thresholds", {"praise": 0.9}, "case_types[0].policy.thresholds.praise"),
    (f"{POLICY}/thresholds", {"refund": 2}, "case_types[0].policy.thresholds.refund"),
    (f"{POLICY}/promise", {"error": 0.05}, "case_types[0].policy.promise"),
    (f"{POLICY}/promise", {"error": 0, "risk": 0.1}, "case_types[0].policy.promise.error"),
    (f"{POLICY}/grace_seconds", -1, "case_types[0].policy.grace_seconds"),
    (f"{POLICY}/grace_seconds", 10**400, "case_types[0].policy.grace_seconds"),
    (f"{POLICY}/sla_minutes", {"soon": 5}, "case_types[0].policy.sla_minutes.soon"),
    (f"{POLICY}/sla_minutes", {"high": 0}, "case_types[0].policy.sla_minutes.high"),
    (f"{POLICY}/second_approval/0/op", "like", "case_types[0].policy.second_approval[0].op"),
    (f"{POLICY}/second_approval/0/value", ..., "case_types[0].policy.second_approval[0].value"),
    (f"{POLICY}/routing", [], "case_types[0].policy.routing"),
    (f"{POLICY}/routing/2", ..., "case_types[0].policy.routing"),
    (f"{POLICY}/routing/0/default", True, "case_types[0].policy.routing[0].default"),
    (f"{POLICY}/routing/1/reason", ..., "case_types[0].policy.routing[1]"),
    (f"{POLICY}/routing/1/reason", "boredom", "case_types[0].policy.routing[1].reason"),
    (f"{POLICY}/routing/1/queue", "nowhere", "case_types[0].policy.routing[1].queue"),
    (f"{POLICY}/routing/1/queue", ..., "case_types[0].policy.routing[1].queue"),
    (f"{POLICY}/routing/0/when/0/field", "__class__.x", "case_types[0].policy.routing[0].when[0].field"),
    ("queues/0/kind", "bin", "queues[0].kind"),
    ("queues/0/groups", ["pirates"], "queues[0].groups"),
    ("queues/1/key", "experts", "queues[1].key"),
    ("queues/0", "experts", "queues[0]"),
    ("queues/0/weight", 0, "queues[0].weight"),
    ("queues/0/weight", 2.5, "queues[0].weight"),
    ("queues/0/on_breach", "ignore", "queues[0].on_breach"),
    ("calendars", [{"key": "office"}], "calendars[0]"),
    ("calendars", [{"key": "office", "hours": {"mon": [["9", "17"]]}}], "calendars[0].hours.mon"),
    ("calendars", [{"key": "office", "hours": {"mon": [["09:00", 1020]]}}], "calendars[0].hours.mon"),
    ("calendars", [{**OFFICE, "time_zone": "Moon/Base"}], "calendars[0].time_zone"),
    ("calendars", [{**OFFICE, "holidays": ["25 December"]}], "calendars[0].holidays[0]"),
    (f"{POLICY}/calendar", "office", "case_types[0].policy.calendar"),
    (f"{POLICY}/calendar", 7, "case_types[0].policy.calendar"),
    (f"{POLICY}/reason_rate", 2, "case_types[0].policy.reason_rate"),
    (f"{POLICY}/reading_floor_seconds", 0.5, "case_types[0].policy.reading_floor_seconds"),
    ("people", [{"username": "nobody-here"}], "people[0].username"),
    ("people", [{"username": "ada", "most_claims": 0}], "people[0].most_claims"),
    ("people", [{"username": "ada", "skills": [{"case_type": "letters"}]}], "people[0].skills[0].case_type"),
    ("people", [{"username": "ada", "skills": [{"language": "Spanish!"}]}], "people[0].skills[0].language"),
    ("people", [{"username": "ada", "skills": ["es"]}], "people[0].skills[0]"),
    ("webhooks/0/url", "http://127.0.0.1/", "webhooks[0].url"),
    ("webhooks/0/url", "http://2130706433/", "webhooks[0].url"),
    ("webhooks/0/url", "ftp://crm.example/", "webhooks[0].url"),
    ("webhooks/0/url", ..., "webhooks[0]"),
    ("webhooks/0/events", ["case.exploded"], "webhooks[0].events[0]"),
    ("webhooks/0/secret", "whsec_mine", "webhooks[0].secret"),
    ("groups", [{"name": "expert", "members": ["a b"]}], "groups[0].members[0]"),
]


@pytest.mark.parametrize(("path", "value", "field"), WRONG)
@pytest.mark.django_db
def test_a_wrong_value_is_refused_with_its_line_and_field_and_nothing_changes(
    path: str, value: Any, field: str, file: Path
) -> None:
    file.write_text(changed(path, value))
    before = counts()
    with pytest.raises(CommandError) as refusal:
        call_command("apply_config", str(file))
    assert re.search(rf"line [1-9]\d*: {re.escape(field)}: \S", str(refusal.value)), str(refusal.value)
    assert counts() == before


TEXTS = {
    "names given twice": (b"queues:\n  - {key: a, key: b}\n", "line 2: queues[0].key: This name is given twice"),
    "a tag": (b"queues:\n  - !!python/object/apply:os.system [ls]\n", "line 2"),
    "a tag on a text": (b"queues: !secret x\n", "line 1: queues: Tags"),
    "a bomb": (
        b"a: &a [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in range(ord("b"), ord("k"))),
        "too large or nested too deeply",
    ),
    "a loop": (b"a: &a [*a]\n", "too large or nested too deeply"),
    "nesting": (b"[" * 5000, "nested too deeply"),
    "nesting that closes": (b"a: " + b"[" * 100 + b"]" * 100, "too large or nested too deeply"),
    "a cut file": (b"queues: [{key: a\n", "line 2: This is no YAML"),
    "two documents": (b"a: 1\n---\nb: 2\n", "This is no YAML"),
    "bad UTF-8": (b"a: \xff\n", "not UTF-8"),
    "NUL": (b'queues: [{key: a, name: "x\\0"}]\n', "queues[0].name: The text contains a character"),
    "a control character": (b"queues: \x01\n", "This is no YAML"),
    "half a surrogate pair": (
        b'queues: [{key: a, name: "\\ud800"}]\n',
        "queues[0].name: The text contains a character",
    ),
    "a list as a name": (b"? [a]\n: b\n", "line 1: A name must be a text"),
    "too large": (b"#" * 1_100_000, "larger than"),
    "a list": (b"- a\n", "line 1: The file is an object"),
    "a long number": (b"queues: " + b"9" * 5000, "line 1: queues"),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.django_db
def test_a_hostile_file_is_refused_with_a_reason(name: str, file: Path) -> None:
    content, message = TEXTS[name]
    file.write_bytes(content)
    with pytest.raises(CommandError, match=re.escape(message)):
        call_command("apply_config", str(file))


def test_labels_that_look_like_something_else_stay_text() -> None:
    document = read(b"thresholds: {no: 0.5, 12: 0.6, 2026-11-01: 0.7}\nday: 2026-11-01\n")
    assert document.values == {"thresholds": {"no": 0.5, "12": 0.6, "2026-11-01": 0.7}, "day": "2026-11-01"}
    assert document.problem("thresholds.no.more", "?").line == 1
    assert document.problem("day", "?").line == 2


def test_an_alias_used_a_few_times_is_fine() -> None:
    assert read(b"a: &a {x: 1}\nb: *a\nc: *a\n").values == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}


def test_every_problem_of_a_file_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read(b"a: {x: 1, x: 2}\nb: {y: 1, y: 2}\n")
    assert [problem.line for problem in refusal.value.problems] == [1, 2]


@pytest.mark.django_db
def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing\.yaml cannot be read"):
        call_command("apply_config", str(tmp_path / "nothing.yaml"))


@pytest.mark.django_db
def test_a_token_is_printed_alone_and_opens_its_account(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_token", user="zendesk", role="integration", expires=30)
    printed = capsys.readouterr()
    found = account_of(printed.out.strip())
    assert found
    assert (found[0].username, found[0].has_usable_password(), found[0].is_staff) == ("zendesk", False, False)
    assert found[0].has_perm("cases.add_case")
    assert ApiToken.objects.get(pk=found[1]).expires_at is not None
    assert "zendesk is new" in printed.err
    call_command("create_token", user="zendesk")
    assert (User.objects.filter(username="zendesk").count(), ApiToken.objects.count()) == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": "a", "role": "wizard"}, "no role wizard; choose one of: administrator"),
        ({"user": "a b"}, "no user name"),
        ({"user": "a", "expires": 0}, "expires"),
        ({"user": "gone"}, "deactivated"),
    ],
)
@pytest.mark.django_db
def test_a_token_that_may_not_be_is_refused_and_leaves_no_account(options: dict[str, Any], message: str) -> None:
    make_user(username="gone", is_active=False)
    with pytest.raises(CommandError, match=message):
        call_command("create_token", **options)
    assert (User.objects.count(), ApiToken.objects.count()) == (1, 0)


@pytest.mark.django_db
def test_the_queues_that_everybody_has_need_not_be_configured(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = yaml.safe_load(CONTRACT)
    content["queues"] = [queue for queue in content["queues"] if queue["key"] == "experts"]
    file.write_text(yaml.safe_dump(content))
    assert "+ queue supervisors" in apply(file, capsys)
    supervisors = Queue.objects.get(key="supervisors")
    assert (supervisors.kind, [group.name for group in supervisors.groups.all()]) == ("supervisor", ["supervisor"])
    assert apply(file, capsys) == "No changes.\n"


ALERTS = """
alert_channels:
  - {key: ops, kind: mail, addresses: [ops@example.com], least_severity: critical}
  - {key: chat, kind: apprise, url: "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"}
alert_rules:
  - {key: governor, parameters: {limit: 0.25}}
  - {key: front-desk-fills, kind: queue_saturated, queue: experts, severity: critical, channels: [ops]}
"""


@pytest.mark.django_db
def test_alert_rules_and_channels_come_from_the_file_and_twice_changes_nothing(tmp_path: Path) -> None:
    from hitl_project.configuration.applying import apply
    from hitl_project.configuration.snapshot import as_yaml, snapshot
    from metrics.models import AlertRule

    changes, _notices = apply(read((CONTRACT + ALERTS).encode()), origin="test", reason="r")
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in "\n".join(str(change) for change in changes)
    assert AlertRule.objects.get(key="governor").parameters == {"limit": 0.25}
    rule = AlertRule.objects.get(key="front-desk-fills")
    assert (rule.severity, rule.queue.key, [row.key for row in rule.channels.all()]) == (3, "experts", ["ops"])  # type: ignore[union-attr]
    assert apply(read((CONTRACT + ALERTS).encode()), origin="test", reason="r")[0] == []
    exported = as_yaml(snapshot())
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in exported
    assert apply(read(exported.encode()), origin="test", reason="r")[0] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("item", "path"),
    [
        ("alert_rules: [{key: x, kind: governor, parameters: {limit: 7}}]", "alert_rules[0].parameters.limit"),
        ("alert_rules: [{key: x, kind: governor, queue: nowhere}]", "alert_rules[0].queue"),
        ("alert_rules: [{key: x, kind: no_worker, trigger: sequential}]", "alert_rules[0].trigger"),
        ("alert_rules: [{key: x, kind: governor, channels: [none]}]", "alert_rules[0].channels[0]"),
        ("alert_rules: [{key: x}]", "alert_rules[0]"),
        ("alert_rules: [{key: governor, kind: no_worker}]", "alert_rules[0].kind"),
        ("alert_rules: [{key: x, kind: nonsense}]", "alert_rules[0].kind"),
        ("alert_channels: [{key: c, kind: mail, addresses: [nobody]}]", "alert_channels[0].addresses"),
        ("alert_channels: [{key: c, kind: apprise}]", "alert_channels[0].url"),
        ("alert_channels: [{key: c, kind: webhook, endpoint: none}]", "alert_channels[0].endpoint"),
    ],
)
def test_a_wrong_alert_rule_or_channel_changes_nothing_and_names_line_and_field(item: str, path: str) -> None:
    from hitl_project.configuration.applying import apply
    from metrics.models import AlertChannel, AlertRule

    before = AlertRule.objects.count()
    with pytest.raises(ConfigurationError) as refused:
        apply(read(item.encode()), origin="test", reason="r")
    assert [(problem.line, problem.path) for problem in refused.value.problems] == [(1, path)]
    assert (AlertRule.objects.count(), AlertChannel.objects.count()) == (before, 0)
