"""Cases in: once each, however often and from how many sides they are sent."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.db.models.functions import Now

from cases import arrivals
from cases.envelope import CaseIn, case_of
from cases.errors import Invalid
from cases.ingest import ingest
from cases.models import AuditEvent, Case, CaseType, Prediction
from tests.factories import make_case_type, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def item(case_type: CaseType, **fields: Any) -> CaseIn:
    body: dict[str, Any] = {"case_type": case_type.key, "payload": {"text": "I was charged twice"}, **fields}
    return case_of(body)


@pytest.fixture
def sender() -> User:
    return make_user("integration", username="zendesk")


@pytest.fixture
def case_type() -> CaseType:
    return make_case_type(classifier="local")


def test_a_new_case_is_stored_and_noted(sender: User, case_type: CaseType) -> None:
    [outcome] = ingest(
        [item(case_type, external_id="m-1", priority="high", context=[{"title": "Order"}])], sender=sender, origin="api"
    )
    case = Case.objects.get(pk=outcome.case_id or 0)
    assert (outcome.status, case.state, case.source, case.priority_name) == ("created", "received", "zendesk", "high")
    assert case.payload == {"text": "I was charged twice"}
    assert case.context == [{"title": "Order", "text": "", "url": ""}]
    event = AuditEvent.objects.get(case_id=case.pk)
    assert (event.action, event.actor, event.data["digest"]) == ("case.received", "zendesk", case.content_digest)


def test_the_same_case_again_is_recognised(sender: User, case_type: CaseType) -> None:
    [first] = ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    [again] = ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    assert (again.status, again.case_id) == ("existing", first.case_id)
    assert AuditEvent.objects.count() == 1


def test_the_same_name_with_other_content_is_a_conflict(sender: User, case_type: CaseType) -> None:
    ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    [other] = ingest([item(case_type, external_id="m-1", requester="c-2")], sender=sender, origin="api")
    assert other.status == "conflict"
    assert Case.objects.count() == 1


def test_another_accounts_case_is_a_conflict_that_tells_no_id(sender: User, case_type: CaseType) -> None:
    ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    stranger = make_user("integration")
    [other] = ingest([item(case_type, external_id="m-1", source="zendesk")], sender=stranger, origin="api")
    assert (other.status, other.case_id) == ("conflict", None)


def test_repeats_inside_one_batch_are_told_apart(sender: User, case_type: CaseType) -> None:
    same, other = item(case_type, external_id="m-1"), item(case_type, external_id="m-1", metadata={"a": 1})
    found = ingest([same, same, other, item(case_type), item(case_type)], sender=sender, origin="api")
    assert [outcome.status for outcome in found] == ["created", "existing", "conflict", "created", "created"]
    assert Case.objects.count() == 3


def test_an_idempotency_key_makes_the_second_try_the_same_case(sender: User, case_type: CaseType) -> None:
    [first] = ingest([item(case_type)], sender=sender, origin="api", keys=["k-1"])
    [again] = ingest([item(case_type)], sender=sender, origin="api", keys=["k-1"])
    [other] = ingest([item(case_type, requester="x")], sender=sender, origin="api", keys=["k-1"])
    assert (again.status, again.case_id, other.status) == ("existing", first.case_id, "conflict")


def test_one_accounts_idempotency_key_means_nothing_to_another(sender: User, case_type: CaseType) -> None:
    ingest([item(case_type)], sender=sender, origin="api", keys=["k-1"])
    [other] = ingest([item(case_type)], sender=make_user("integration"), origin="api", keys=["k-1"])
    assert other.status == "created"


@pytest.mark.parametrize("key", ["x" * 201, "a\nb", "a\u200bb", " a"])
def test_an_odd_idempotency_key_is_refused(sender: User, case_type: CaseType, key: str) -> None:
    with pytest.raises(Invalid):
        ingest([item(case_type)], sender=sender, origin="api", keys=[key])


def test_names_that_point_at_two_cases_are_a_conflict(sender: User, case_type: CaseType) -> None:
    ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    ingest([item(case_type)], sender=sender, origin="api", keys=["k-1"])
    [both] = ingest([item(case_type, external_id="m-1")], sender=sender, origin="api", keys=["k-1"])
    assert both.status == "conflict"


def test_an_unknown_case_type_is_refused_by_name_and_the_others_are_kept(sender: User, case_type: CaseType) -> None:
    stray = case_of({"case_type": "nonsense", "payload": {}})
    found = ingest([stray, item(case_type)], sender=sender, origin="api")
    assert [outcome.status for outcome in found] == ["invalid", "created"]
    assert "nonsense" in found[0].errors["case_type"][0]


def test_a_prediction_that_comes_with_a_case_is_stored_with_it(sender: User, case_type: CaseType) -> None:
    given = {
        "output": {"label": "refund", "amount": 40},
        "confidence": 0.83,
        "evidence": [{"field": "payload.text", "start": 6, "end": 19}],
    }
    [outcome] = ingest([item(case_type, prediction=given)], sender=sender, origin="api")
    row = Prediction.objects.get(case=outcome.case_id)
    assert (row.output, row.label, row.confidence) == (given["output"], "refund", 0.83)
    assert row.evidence[0]["end"] == 19


def test_a_prediction_outside_the_schema_is_refused_with_its_path(sender: User, case_type: CaseType) -> None:
    given = {"output": {"label": "refund", "amount": "much"}, "confidence": 0.8}
    [outcome] = ingest([item(case_type, prediction=given)], sender=sender, origin="api")
    assert outcome.status == "invalid"
    assert list(outcome.errors) == ["prediction.output.amount"]


def test_a_case_that_waits_for_an_outside_model_is_left_alone_for_that_long(sender: User) -> None:
    waits = make_case_type(classifier="supplied")
    given = {"output": {"label": "refund"}, "confidence": 1}
    alone, answered = ingest([item(waits), item(waits, prediction=given)], sender=sender, origin="api")
    standing = set(Case.objects.filter(lease_until__lte=Now()).values_list("pk", flat=True))
    assert standing == {answered.case_id}
    assert alone.case_id not in standing


def test_a_thousand_cases_take_the_same_number_of_queries_as_ten(
    sender: User, case_type: CaseType, django_assert_max_num_queries: Any
) -> None:
    few = [item(case_type, external_id=f"a-{number}") for number in range(10)]
    many = [item(case_type, external_id=f"b-{number}") for number in range(1000)]
    ingest(few, sender=sender, origin="api")
    with django_assert_max_num_queries(8):
        found = ingest(many, sender=sender, origin="api")
    assert {outcome.status for outcome in found} == {"created"}


@pytest.mark.django_db(transaction=True)
def test_fifty_parallel_identical_sends_make_one_case(sender: User, case_type: CaseType) -> None:
    found = _in_parallel(
        50, lambda _number: ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")[0]
    )
    assert Case.objects.count() == 1
    assert sorted(outcome.status for outcome in found) == ["created"] + ["existing"] * 49
    assert len({outcome.case_id for outcome in found}) == 1


@pytest.mark.django_db(transaction=True)
def test_batches_that_overlap_in_opposite_order_do_not_block_each_other(sender: User, case_type: CaseType) -> None:
    items = [item(case_type, external_id=f"m-{number}") for number in range(100)]
    _in_parallel(8, lambda number: ingest(items if number % 2 else items[::-1], sender=sender, origin="api"))
    assert Case.objects.count() == 100


def _in_parallel(count: int, work: Any) -> list[Any]:
    found: list[Any] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            found.append(work(number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    return found


def test_an_erased_case_cannot_be_sent_again_under_its_name(sender: User, case_type: CaseType) -> None:
    [first] = ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    Case.objects.filter(pk=first.case_id or 0).update(salt="")
    [again] = ingest([item(case_type, external_id="m-1")], sender=sender, origin="api")
    assert again.status == arrivals.CONFLICT


def test_an_idempotency_key_that_comes_back_with_another_name_is_a_conflict(sender: User, case_type: CaseType) -> None:
    [made] = ingest([item(case_type, external_id="m-1")], sender=sender, origin="api", keys=["k-1"])
    [other] = ingest([item(case_type, external_id="m-2")], sender=sender, origin="api", keys=["k-1"])
    assert (made.status, other.status) == ("created", "conflict")
