"""Policies in the admin: read in words, changed in a form, tried on last week's cases, approved by a second person."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.models import CaseType
from cases.models.choices import State
from review.admin.condition_rows import text_of, value_of
from review.admin.policy_form import shown
from review.models import Policy
from review.policy_rules import canonical, content_of
from tests import factories as make

BIG = {"field": "output.amount", "op": "gt", "value": 500}
LISTED = {"field": "label", "op": "in", "value": ["refund", "billing"]}


class Sent(HTMLParser):
    """What a browser would send of the largest form on a page, were its first button pressed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.chosen = False
        self.inside = ""
        self.within = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name = said.get("name") or ""
        if tag == "form":
            self.within = "cs-p-form" in (said.get("class") or "")
        if not self.within or (tag == "input" and said.get("type") == "checkbox" and "checked" not in said):
            return
        if tag == "input":
            self.data[name] = said.get("value") or ""
        elif tag in ("select", "textarea", "datalist"):
            self.inside, self.chosen = name, False
            self.data[name] = ""
        elif tag == "option" and ("selected" in said or not self.chosen):
            self.data[self.inside] = said.get("value") or ""
            self.chosen = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.within = False
            self.data.pop("", None)


def signed_in(role: str = "supervisor", **fields: Any) -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


@pytest.fixture
def case_type(db: None) -> CaseType:
    boss = make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    rules = [
        {"reason": "high_risk", "when": [BIG], "queue": boss},
        {"reason": "low_confidence", "when": [LISTED], "queue": make.make_queue("experts", kind="expert")},
        {"default": True, "queue": make.make_queue()},
    ]
    more = {"threshold": 0.8, "thresholds": {"refund": 0.95}, "sla_minutes": {"urgent": 10}, "sample_rate": 0.1}
    return make.make_case_type("exception_handler", key="mail", rules=rules, policy=more)


def propose(policy: Policy) -> str:
    return reverse("admin:review_policy_propose", args=[policy.pk])


def form_of(client: Client, policy: Policy) -> dict[str, str]:
    answer = client.get(propose(policy))
    assert answer.status_code == 200
    return Sent(answer.content.decode()).data


def routed(case_type: CaseType, *, amount: float, **fields: Any) -> Any:
    case = make.make_case(case_type, state=State.CLOSED, routed_at=timezone.now() - timedelta(days=1), **fields)
    make.make_prediction(case, confidence=0.99, output={"label": "refund", "amount": amount})
    return case


def test_an_untouched_form_says_what_is_in_force(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    assert canonical(shown(content_of(policy), case_type).content()) == canonical(content_of(policy))
    answer = client.post(propose(policy), {**form_of(client, policy), "verb": "propose", "note": "none"}, follow=True)
    assert "in force already" in answer.content.decode()
    assert Policy.objects.count() == 1


def test_a_tighter_rule_typed_in_the_form_is_in_force_at_once(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    typed = {**form_of(client, policy), "threshold": "0,9", "verb": "propose", "note": "too many slips"}
    typed["on_flag"] = "pause"
    typed |= {
        "rule-2-queue": "supervisors",
        "rule-2-0-field": "payload.country",
        "rule-2-0-op": "ne",
        "rule-2-0-value": "PE",
    }
    answer = client.post(propose(policy), typed, follow=True)
    assert "is in force" in answer.content.decode()
    made = Policy.objects.get(status="active")
    assert (made.number, made.threshold) == (2, 0.9)
    assert [rule.queue.key for rule in made.rules.all()] == ["supervisors", "experts", "supervisors", "front-desk"]
    assert made.rules.all()[2].when == [{"field": "payload.country", "op": "ne", "value": "PE"}]


def test_rules_are_moved_by_their_position_and_removed_by_a_tick(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    typed = {**form_of(client, policy), "rule-0-position": "5", "verb": "try", "note": ""}
    form = client.post(propose(policy), typed).context["form"]
    assert [rule.queue for rule in form.rules] == ["experts", "supervisors"]
    form = client.post(propose(policy), {**typed, "rule-0-remove": "on"}).context["form"]
    assert [rule.queue for rule in form.rules] == ["experts"]


def test_a_looser_change_waits_for_a_second_person_who_reads_what_it_comes_to(case_type: CaseType) -> None:
    author, _user = signed_in()
    policy = case_type.policies.get()
    routed(case_type, amount=700)
    typed = {**form_of(author, policy), "rule-0-0-value": "1000", "verb": "propose", "note": "too many for nothing"}
    assert "waits for a second person" in author.post(propose(policy), typed, follow=True).content.decode()
    proposed = Policy.objects.get(status="proposed")
    other, _other = signed_in()
    html = other.get(reverse("admin:review_policy_change", args=[proposed.pk])).content.decode()
    assert "output.amount is more than 500" in html
    assert "output.amount is more than 1000" in html
    assert "looser" in html
    assert "1 case would have gone another way" in html
    assert "Put in force" in html
    assert "Put in force" not in author.get(reverse("admin:review_policy_change", args=[proposed.pk])).content.decode()


def test_the_dry_run_says_how_many_would_have_gone_elsewhere_and_writes_nothing(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    cases = [routed(case_type, amount=amount) for amount in (100, 300, 700)]
    typed = {**form_of(client, policy), "rule-0-0-value": "250", "verb": "try"}
    html = client.post(propose(policy), typed).content.decode()
    assert "All 3 cases" in html
    assert "would have been 2 instead of 1" in html
    assert f"#{cases[1].pk}" in html
    assert f"#{cases[0].pk}</a>: " not in html
    assert 'value="250"' in html
    assert Policy.objects.count() == 1


def test_a_case_that_is_still_to_be_read_blind_is_counted_and_not_named(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    case = routed(case_type, amount=300)
    make.make_task(case, blind=True)
    typed = {**form_of(client, policy), "rule-0-0-value": "250", "verb": "try"}
    html = client.post(propose(policy), typed).content.decode()
    assert "1 case would have gone another way" in html
    assert f"#{case.pk}" not in html


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    wrong = {"threshold": "7", "rule-0-0-field": "nonsense.x", "threshold-refund": "often", "sla-urgent": "-1"}
    wrong |= {"otherwise": "no-such-queue", "grace_seconds": "1e400"}
    answer = client.post(propose(policy), {**form_of(client, policy), **wrong, "verb": "propose", "note": "x"})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert [line.name for line in form.shares if line.problems] == ["threshold"]
    assert [line.name for line in form.thresholds if line.problems] == ["refund"]
    assert [line.name for line in form.sla if line.problems] == ["urgent"]
    assert form.rules[0].when[0].problems["field"]
    html = answer.content.decode()
    assert "nonsense.x" in html
    assert "often" in html
    assert Policy.objects.count() == 1


def test_a_change_needs_a_reason(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    answer = client.post(
        propose(policy), {**form_of(client, policy), "threshold": "0.9", "verb": "propose", "note": " "}
    )
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


def test_of_two_tabs_the_second_is_refused(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    first, second = form_of(client, policy), form_of(client, policy)
    client.post(propose(policy), {**first, "threshold": "0.9", "verb": "propose", "note": "x"})
    answer = client.post(propose(policy), {**second, "sample_rate": "0.2", "verb": "propose", "note": "y"})
    assert answer.status_code == 409
    assert "came into force since" in answer.content.decode()
    assert Policy.objects.get(status="active").threshold == 0.9


def test_one_can_go_back_to_an_older_version(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    client.post(propose(policy), {**form_of(client, policy), "threshold": "0.9", "verb": "propose", "note": "x"})
    policy.refresh_from_db()
    answer = client.post(propose(policy), {**form_of(client, policy), "verb": "propose", "note": "back"}, follow=True)
    assert "waits for a second person" in answer.content.decode()
    assert Policy.objects.get(status="proposed").threshold == 0.8


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("manager", 403), ("integration", 404)])
def test_only_those_who_may_propose_meet_the_form(case_type: CaseType, role: str, status: int) -> None:
    client, _user = signed_in(role)
    assert client.get(propose(case_type.policies.get())).status_code in (status, 403)
    assert client.post(propose(case_type.policies.get()), {"verb": "propose"}).status_code in (status, 403)


@pytest.mark.postgres_too
def test_a_hostile_submission_is_refused_and_not_an_error(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    for bad in ("NaN", "1e400", "9" * 5000, "\x00", "[" * 3000, "<script>alert(1)</script>"):
        typed = dict.fromkeys(form_of(client, policy), bad)
        answer = client.post(propose(policy), {**typed, "verb": "propose"})
        assert answer.status_code in (409, 422)
        assert "<script>alert(1)" not in answer.content.decode()
    many = {f"rule-{n}-queue": "front-desk" for n in range(500)} | {f"rule-{n}-reason": "sample" for n in range(500)}
    assert client.post(propose(policy), {**many, "verb": "try"}).status_code == 422


def test_a_policy_is_read_in_words(case_type: CaseType) -> None:
    client, _user = signed_in("reviewer")
    html = client.get(reverse("admin:review_policy_change", args=[case_type.policies.get().pk])).content.decode()
    assert "high risk, when output.amount is more than 500 → Supervisors" in html
    assert "everything else → Front Desk" in html
    assert "Propose a change" not in html


def test_the_form_and_the_dry_run_take_a_few_queries(case_type: CaseType) -> None:
    client, _user = signed_in()
    policy = case_type.policies.get()
    for _ in range(40):
        routed(case_type, amount=300)
    typed = {**form_of(client, policy), "rule-0-0-value": "250", "verb": "try"}
    with CaptureQueriesContext(connection) as queries:
        client.post(propose(policy), typed)
    assert len(queries) <= 25


plain = st.one_of(
    st.text(max_size=20), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)


@given(plain)
def test_a_value_survives_being_shown_and_read_back(value: Any) -> None:
    again = value_of(text_of(value), "eq")
    assert (type(again), again) == (type(value), value)


@given(st.lists(plain, min_size=1, max_size=6))
def test_a_list_survives_being_shown_and_read_back(values: list[Any]) -> None:
    again = value_of(text_of(values), "in")
    assert [(type(one), one) for one in again] == [(type(one), one) for one in values]


def test_a_pattern_is_never_read_as_anything_else() -> None:
    assert value_of("123", "matches") == "123"
