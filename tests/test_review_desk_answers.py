"""What a person submits: read against what was shown, refused with what was typed kept."""

from __future__ import annotations

import re
from typing import Any

import pytest

from review.models import Decision, ReviewTask
from tests import factories as make
from tests.desk import a_task, hidden, page_of, signed_in, submission

pytestmark = pytest.mark.django_db


@pytest.mark.postgres_too
def test_a_decision_after_the_lease_was_lost_is_refused_and_keeps_what_was_typed() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    typed = submission(client, task, verb="amend", note="typed with care", **{"output.label": "billing"})
    ReviewTask.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00Z")
    answer = client.post(page_of(task), typed)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "no longer in your hands" in html
    assert "typed with care" in html
    assert re.search(r'value="billing"\s+checked', html)
    again = client.post(page_of(task), {**typed, "verb": "reclaim"})
    assert again.status_code == 200
    assert "typed with care" in again.content.decode()
    renewed = {name: hidden(again.content.decode(), name) for name in ("lease_token", "digest")}
    client.post(page_of(task), {**typed, **renewed})
    assert Decision.objects.get(task=task).label == "billing"


def test_a_decision_on_content_that_has_changed_is_refused_and_can_be_repeated() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    typed = submission(client, task, verb="approve")
    make.make_prediction(task.case, label="other", confidence=0.9)
    answer = client.post(page_of(task), {**typed, "output.label": "refund"})
    assert answer.status_code == 409
    assert "has changed since you opened it" in answer.content.decode()
    assert not Decision.objects.exists()


def test_a_second_click_is_told_who_decided() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    typed = submission(client, task, verb="approve")
    client.post(page_of(task), typed)
    answer = client.post(page_of(task), typed)
    assert answer.status_code == 409
    assert f"decided by {user.username}" in answer.content.decode()
    assert Decision.objects.count() == 1


def test_rejecting_without_a_reason_and_wrong_numbers_come_back_beside_their_field() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="reject"))
    assert answer.status_code == 422
    assert "Say why the case is rejected." in answer.content.decode()
    for typed in ("a lot", "NaN", "1e400", "9" * 5000):
        answer = client.post(page_of(task), submission(client, task, verb="amend", **{"output.amount": typed}))
        assert answer.status_code == 422, typed
        assert 'id="field-amount-errors"' in answer.content.decode()
    assert not Decision.objects.exists()


def test_an_approval_of_changed_fields_is_not_taken_for_an_approval() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="approve", **{"output.label": "other"}))
    assert answer.status_code == 422
    assert not Decision.objects.exists()


def test_active_seconds_are_never_more_than_the_task_is_old() -> None:
    client, user = signed_in()
    for typed, most in (("3", 3.0), ("99999999", 30.0), ("nan", 0.0), ("-4", 0.0), ("", 0.0)):
        task = a_task(claimed_by=user)
        client.post(page_of(task), submission(client, task, verb="approve", active_seconds=typed))
        seconds = Decision.objects.get(task=task).active_seconds
        assert seconds is not None
        assert 0 <= seconds <= most


@pytest.mark.postgres_too
def test_hostile_submissions_are_refused_without_an_error() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    for fields in (
        {"verb": "amend", "note": "a\x00b", "output.label": "a\x00b"},
        {"verb": "amend", "output.label": "\ud800"},
        {"verb": "drop table"},
        {"verb": "approve", "lease_token": "10" * 40},
        {"verb": "approve", "digest": "x" * 100_000},
        {},
    ):
        encoded = {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}
        answer = client.post(page_of(task), {**submission(client, task), **encoded})
        assert answer.status_code in (409, 422), fields
    assert not Decision.objects.exists()


EVERY_KIND = {
    "type": "object",
    "required": ["label", "count"],
    "properties": {
        "label": {"enum": ["a", "b"]},
        "many": {"enum": [f"option-{number}" for number in range(40)]},
        "draft": {"type": "string"},
        "title": {"type": "string", "maxLength": 40},
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "due": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "labels": {"type": "array", "items": {"enum": ["x", "y", "z"]}},
        "nested": {"type": "object", "properties": {"sku": {"type": "string"}}},
        "free": {"type": "object"},
    },
}


EVERY_VALUE = {
    "label": "a",
    "many": "option-7",
    "draft": "Dear customer,\r\n\r\nthank you.",
    "title": "Refund",
    "amount": 40.0,
    "count": 3,
    "urgent": False,
    "due": "2026-03-31",
    "tags": ["one", "two"],
    "labels": ["x", "z"],
    "nested": {"sku": "42"},
    "free": {},
}


def every_field(**changes: Any) -> dict[str, Any]:
    given = {
        **{name: value for name, value in EVERY_VALUE.items() if name != "nested"},
        "amount": "40.0",
        "urgent": "false",
        "tags": "one\ntwo",
        "nested.sku": "42",
        "free": "{}",
        **changes,
    }
    return {f"output.{name}": value for name, value in given.items()}


def test_an_untouched_form_of_every_kind_of_field_is_an_approval() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(output_schema=EVERY_KIND)
    task = a_task(case_type=case_type, claimed_by=user, prediction={"output": EVERY_VALUE, "label": "a"})
    client.post(page_of(task), submission(client, task, verb="approve", **every_field()))
    decision = Decision.objects.get(task=task)
    assert (decision.outcome, decision.output) == ("approve", EVERY_VALUE)


def test_every_kind_of_field_can_be_changed() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(output_schema=EVERY_KIND)
    task = a_task(case_type=case_type, claimed_by=user, prediction={"output": EVERY_VALUE, "label": "a"})
    changes = every_field(
        label="b",
        many="",
        draft="No.",
        title="",
        amount="-1.5",
        count="4",
        urgent="true",
        due="2027-01-01",
        tags="three\n\nfour",
        labels=["y"],
        **{"nested.sku": "43"},
    )
    client.post(page_of(task), submission(client, task, verb="amend", **changes))
    assert Decision.objects.get(task=task).output == {
        "label": "b",
        "draft": "No.",
        "amount": -1.5,
        "count": 4,
        "urgent": True,
        "due": "2027-01-01",
        "tags": ["three", "four"],
        "labels": ["y"],
        "nested": {"sku": "43"},
        "free": {},
    }


def test_unreadable_fields_name_what_would_be_right() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(output_schema=EVERY_KIND)
    task = a_task(case_type=case_type, claimed_by=user, prediction={"output": EVERY_VALUE, "label": "a"})
    for name, typed, told in (
        ("count", "3.5", "Give a whole number"),
        ("count", "", "Fill this in."),
        ("due", "31.3.2026", "Give a date"),
        ("free", "{", "This is no JSON (line 1, column 2)"),
        ("free", "[" * 500, "nested too deeply"),
        ("free", "NaN", "This is no JSON"),
        ("label", "c", "Choose one of the answers offered."),
    ):
        answer = client.post(page_of(task), submission(client, task, verb="amend", **every_field(**{name: typed})))
        assert answer.status_code == 422, name
        assert told in answer.content.decode(), (name, typed)
