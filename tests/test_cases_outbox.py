"""The outbox: who is to hear of what, what is called off, undone and sent again."""

from __future__ import annotations

from typing import Any

import pytest

from cases.audit import journal
from cases.errors import Conflict
from cases.models import AuditEvent, Case, CaseType, Effect, EffectAttempt
from cases.models.choices import State
from cases.outbox import Happening, announce, call_off, compensate, retry
from tests.factories import make_case, make_case_type, make_endpoint, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def decided(case: Case, *, event: str = "case.decided", grace: int = 0) -> list[Effect]:
    with journal(actor="test", origin="test") as log:
        announce([Happening(case=case, event=event, data={"decision": {"id": 1}}, grace_seconds=grace)], log=log)
    return list(Effect.objects.filter(case=case, event=event).order_by("id"))


def acting(**action: Any) -> CaseType:
    return make_case_type(action=action)


def test_the_case_types_action_and_every_subscriber_get_one_effect_each() -> None:
    make_endpoint("crm", events=[])
    make_endpoint("audit", events=["case.decided", "case.closed"])
    make_endpoint("other", events=["case.closed"])
    case = make_case(acting(backend="webhook", endpoint="crm"), state=State.DECIDED)
    effects = decided(case)
    assert sorted(effect.endpoint.key for effect in effects if effect.endpoint) == ["audit", "crm"]
    assert [effect.endpoint.key for effect in decided(case, event="case.closed") if effect.endpoint] == [
        "audit",
        "other",
    ]


def test_an_endpoint_that_acts_and_subscribes_is_told_once() -> None:
    make_endpoint("crm", events=["case.decided"])
    case = make_case(acting(backend="webhook", endpoint="crm"), state=State.DECIDED)
    assert len(decided(case)) == 1


def test_telling_twice_makes_one_effect_under_one_key() -> None:
    case = make_case(acting(backend="log"), state=State.DECIDED)
    [effect] = decided(case)
    assert decided(case) == [effect]
    assert effect.key == f"case-{case.pk}-v1-case.decided-log"


def test_an_action_whose_endpoint_is_disabled_is_not_silently_left_out() -> None:
    make_endpoint("crm", enabled=False, events=["case.decided"])
    make_endpoint("audit", enabled=False, events=["case.decided"])
    case = make_case(acting(backend="webhook", endpoint="crm"), state=State.DECIDED)
    assert [effect.endpoint.key for effect in decided(case) if effect.endpoint] == ["crm"]


def test_an_integrations_own_endpoint_hears_of_its_own_cases_only() -> None:
    owner, other = make_user("integration"), make_user("integration")
    make_endpoint("theirs", owner=owner)
    assert decided(make_case(sender=other, state=State.DECIDED)) == []
    assert len(decided(make_case(sender=owner, state=State.DECIDED))) == 1


def test_what_is_told_of_a_case_never_holds_its_content() -> None:
    case = make_case(acting(backend="log"), payload={"text": "a secret matter"}, state=State.DECIDED)
    [effect] = decided(case)
    assert "secret" not in str(effect.body)
    assert effect.body["case"]["external_id"] == case.external_id


def test_what_is_told_of_one_case_does_not_grow_with_the_cases(django_assert_max_num_queries: Any) -> None:
    case_type = acting(backend="log")
    cases = list(Case.objects.filter(pk__in=[make_case(case_type).pk for _ in range(30)]).select_related("case_type"))
    with journal(actor="test", origin="test") as log, django_assert_max_num_queries(4):
        assert announce([Happening(case=case, event="case.decided") for case in cases], log=log) == 30


def test_calling_off_takes_what_waits_and_leaves_what_may_have_left() -> None:
    case = make_case(state=State.DECIDED)
    kinds: list[dict[str, Any]] = [
        {},
        {"attempts": 1},
        {"lease_token": "w"},
        {"status": "delivered"},
        {"case_version": 2},
    ]
    for number, fields in enumerate(kinds, start=1):
        Effect.objects.create(case=case, event="case.decided", action="log", key=f"k{number}", **fields)
    retried = Effect.objects.create(case=case, event="case.decided", action="log", key="k6")
    EffectAttempt.objects.create(effect=retried, number=10, succeeded=False)
    assert call_off(case.pk, version=1) == 1
    assert list(Effect.objects.filter(status="cancelled").values_list("key", flat=True)) == ["k1"]


def undo(case: Case, version: int = 1) -> list[Effect]:
    with journal(actor="test", origin="test") as log:
        compensate(case, version=version, data={}, log=log)
    return list(Effect.objects.filter(event="effect.compensate", case=case).order_by("id"))


def test_a_compensation_names_what_it_takes_back_and_goes_the_same_way() -> None:
    endpoint = make_endpoint("crm")
    case = make_case(acting(backend="webhook", endpoint="crm"), state=State.DECIDED)
    [effect] = decided(case)
    case.version = 2
    [undoing] = undo(case)
    assert (undoing.compensates, undoing.endpoint, undoing.action) == (effect, endpoint, "webhook")
    assert undoing.body["compensates"] == effect.key
    assert undoing.key != effect.key
    assert undoing.case_version == 2
    assert AuditEvent.objects.filter(action="effect.compensated", case_id=case.pk).count() == 1


def test_what_was_taken_back_is_not_taken_back_again_unless_that_was_called_off() -> None:
    case = make_case(acting(backend="log"), state=State.DECIDED)
    decided(case)
    case.version = 2
    assert len(undo(case)) == 1
    case.version = 3
    assert len(undo(case)) == 1
    Effect.objects.filter(event="effect.compensate").update(status="cancelled")
    assert [effect.status for effect in undo(case)] == ["cancelled", "pending"]


def test_what_never_left_needs_no_undoing() -> None:
    case = make_case(acting(backend="log"), state=State.DECIDED)
    decided(case)
    call_off(case.pk, version=1)
    case.version = 2
    assert undo(case) == []


def test_a_dead_effect_is_sent_again_under_its_old_key_and_logged() -> None:
    case, user = make_case(acting(backend="log"), state=State.DECIDED), make_user("supervisor")
    [effect] = decided(case)
    with pytest.raises(Conflict, match="none of these deliveries is dead"):
        retry([effect], actor=user, origin="admin")
    Effect.objects.filter(pk=effect.pk).update(status="dead", attempts=10, last_error="no")
    assert retry([effect], actor=user, origin="admin") == 1
    key = effect.key
    effect.refresh_from_db()
    assert (effect.status, effect.attempts, effect.key) == ("pending", 0, key)
    assert AuditEvent.objects.get(action="effect.retried").actor == user.username
