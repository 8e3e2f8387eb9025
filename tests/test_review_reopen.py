"""Reopening, overriding, and the undoing of what has already left."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from cases.deliver import deliver_batch
from cases.models import AuditEvent, Case, Effect
from cases.models.choices import State
from review.models import Decision, Note, Notice, ReviewTask
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture
def boss(db: None) -> Api:
    make_queue("seniors", kind="supervisor", groups=("supervisor",))
    return Api(make_user("supervisor"))


def drain() -> None:
    while deliver_batch():
        pass


def fresh(grace: int = 0) -> Case:
    case_type = make_case_type(action={"backend": "log"}, policy={"grace_seconds": grace})
    case = make_case(case_type, state=State.IN_REVIEW)
    make_prediction(case)
    make_task(case)
    return case


def decide(api: Api, label: str) -> dict[str, Any]:
    """Decide the open task for a label."""
    task = ReviewTask.objects.open().get()
    desk = api.post(f"/tasks/{task.pk}/claim/").json()
    body = {
        "lease_token": desk["lease_token"],
        "digest": desk["digest"],
        "outcome": "amend",
        "output": {"label": label},
    }
    answer = api.post(f"/tasks/{task.pk}/decide/", body)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def reopen(api: Api, case: Case) -> Any:
    return api.post(f"/cases/{case.pk}/reopen/", {"note": "somebody complained"})


def events() -> list[str]:
    return list(Effect.objects.exclude(status="cancelled").order_by("id").values_list("event", flat=True))


def closed_as(api: Api, label: str, **more: Any) -> Case:
    case = fresh(**more)
    decide(api, label)
    Effect.objects.filter(status="pending").update(next_attempt_at=Now())
    Case.objects.exclude(lease_until=None).update(lease_until=Now())
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED
    return case


def test_a_closed_case_is_reopened_with_a_reason_into_the_supervisors_queue(boss: Api) -> None:
    case = closed_as(boss, "refund")
    assert boss.post(f"/cases/{case.pk}/reopen/", {"note": " "}).status_code == 422
    assert Api(make_user("reviewer")).post(f"/cases/{case.pk}/reopen/", {"note": "x"}).status_code == 403
    assert reopen(boss, case).json()["queue"] == "seniors"
    case.refresh_from_db()
    assert (case.state, case.version, case.reason, case.closed_at) == (State.IN_REVIEW, 2, "reopened", None)
    assert reopen(boss, case).status_code == 409


def test_a_case_that_was_never_decided_cannot_be_reopened(boss: Api) -> None:
    assert reopen(boss, make_case()).status_code == 409


def test_decided_otherwise_undoes_what_has_left_before_it_acts_anew(boss: Api) -> None:
    case = closed_as(boss, "refund")
    reopen(boss, case)
    decide(boss, "billing")
    assert events() == ["case.decided", "effect.compensate", "case.decided"]
    undoing = Effect.objects.get(event="effect.compensate")
    assert undoing.compensates is not None
    assert undoing.compensates.case_version == 1
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED


def test_decided_the_same_sets_nothing_off(boss: Api) -> None:
    case = closed_as(boss, "refund")
    reopen(boss, case)
    decide(boss, "refund")
    assert events() == ["case.decided"]
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED


def test_decided_the_same_and_later_otherwise_undoes_the_first(boss: Api) -> None:
    """The second decision acted on nothing; what stands outside is still the first one's."""
    case = closed_as(boss, "refund")
    reopen(boss, case)
    decide(boss, "refund")
    drain()
    reopen(boss, case)
    decide(boss, "billing")
    assert events() == ["case.decided", "effect.compensate", "case.decided"]


def test_there_and_back_again_undoes_each_once(boss: Api) -> None:
    case = closed_as(boss, "refund")
    for label in ("billing", "refund"):
        reopen(boss, case)
        decide(boss, label)
        drain()
    undone = list(Effect.objects.filter(event="effect.compensate").values_list("compensates__case_version", flat=True))
    assert undone == [1, 2]
    assert Effect.objects.filter(event="case.decided").count() == 3


def test_a_decision_undone_in_its_grace_period_leaves_the_first_one_standing(boss: Api) -> None:
    case = closed_as(boss, "refund", grace=60)
    reopen(boss, case)
    second = decide(boss, "billing")
    drain()
    assert boss.post(f"/decisions/{second['id']}/undo/").status_code == 200
    assert events() == ["case.decided"]
    decide(boss, "refund")
    assert events() == ["case.decided"]
    case.refresh_from_db()


def test_what_had_not_left_when_the_case_was_reopened_is_called_off(boss: Api) -> None:
    case = fresh()
    decide(boss, "refund")
    reopen(boss, case)
    assert events() == []
    decide(boss, "billing")
    assert events() == ["case.decided"]


def override(api: Api, decision: int, **body: Any) -> Any:
    given = {"outcome": "amend", "output": {"label": "billing"}, "note": "wrong account", **body}
    return api.post(f"/decisions/{decision}/override/", given)


def test_an_override_is_held_until_a_second_person_approves_it(boss: Api) -> None:
    closed_as(boss, "refund")
    first = Decision.objects.get()
    assert override(boss, first.pk, note="").status_code == 422
    assert override(boss, first.pk, output={"label": "unheard"}).status_code == 422
    body = override(boss, first.pk).json()
    assert (body["held"], body["supersedes"], body["label"]) == (True, first.pk, "billing")
    assert events() == ["case.decided"]
    assert boss.post(f"/decisions/{body['id']}/approve/").status_code == 403
    assert override(boss, first.pk).status_code == 409
    assert Api(make_user("supervisor")).post(f"/decisions/{body['id']}/approve/").status_code == 200
    assert events() == ["case.decided", "effect.compensate", "case.decided"]
    drain()
    assert Case.objects.get().state == State.CLOSED


def test_an_override_that_is_sent_back_leaves_what_acted_to_be_undone_by_the_next(boss: Api) -> None:
    closed_as(boss, "refund")
    body = override(boss, Decision.objects.get().pk).json()
    other = Api(make_user("supervisor"))
    other.post(f"/decisions/{body['id']}/approve/", {"approve": False, "note": "not so fast"})
    decide(other, "other")
    assert events() == ["case.decided", "effect.compensate", "case.decided"]


def test_a_reviewer_may_not_override(boss: Api) -> None:
    closed_as(boss, "refund")
    assert override(Api(make_user("reviewer")), Decision.objects.get().pk).status_code in (403, 404)


def test_each_version_has_one_decision_and_one_action_id(boss: Api) -> None:
    case = closed_as(boss, "refund")
    for label in ("billing", "other", "billing"):
        reopen(boss, case)
        decide(boss, label)
        drain()
    versions = list(Decision.objects.order_by("id").values_list("case_version", flat=True))
    assert versions == [1, 2, 3, 4]
    keys = list(Effect.objects.filter(event="case.decided").values_list("key", flat=True))
    assert len(keys) == len(set(keys)) == 4
    assert AuditEvent.objects.filter(case_id=case.pk, action="case.decided").count() == 4


# Asking for it, where one may not do it oneself.


def test_an_auditor_asks_for_a_reopening_and_the_supervisors_are_told(boss: Api) -> None:
    case = closed_as(boss, "refund")
    auditor = Api(make_user("auditor"))
    assert auditor.post(f"/cases/{case.pk}/request-reopening/", {"note": " "}).status_code == 422
    assert reopen(auditor, case).status_code == 403
    told = auditor.post(f"/cases/{case.pk}/request-reopening/", {"note": "the receipt is another customer's"})
    assert told.json() == {"told": 1}
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.sender, notice.case) == (boss.user, "help", auditor.user, case)
    assert "another customer" in notice.text
    assert "another customer" in Note.objects.get(case=case, author=auditor.user).text
    assert AuditEvent.objects.get(action="case.reopening_requested").actor == auditor.user.username
    case.refresh_from_db()
    assert case.state == State.CLOSED


def test_what_is_not_decided_cannot_be_asked_for_and_nobody_else_may_ask(boss: Api) -> None:
    case = make_case(state=State.IN_REVIEW)
    note = {"note": "look again"}
    assert Api(make_user("auditor")).post(f"/cases/{case.pk}/request-reopening/", note).status_code == 409
    closed = closed_as(boss, "refund")
    assert Api(make_user("reviewer")).post(f"/cases/{closed.pk}/request-reopening/", note).status_code in (403, 404)
    assert not Notice.objects.exists()


def page(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role, is_staff=True))
    return client


def test_the_case_page_offers_each_what_they_may_do(boss: Api) -> None:
    case = closed_as(boss, "refund")
    address = reverse("admin:cases_case_change", args=[case.pk])
    ask, act = (
        reverse("admin:cases_case_request-reopening", args=[case.pk]),
        reverse("admin:cases_case_reopen", args=[case.pk]),
    )
    for role, offered, withheld in (("auditor", ask, act), ("supervisor", act, ask)):
        html = page(role).get(address).content.decode()
        assert offered in html
        assert withheld not in html
    auditor = page("auditor")
    auditor.post(ask, {"note": "look again"})
    assert Notice.objects.exists()
    auditor.post(act, {"note": "look again"})
    case.refresh_from_db()
    assert case.state == State.CLOSED


def test_a_supervisor_takes_a_decision_back_on_its_page_while_nothing_has_left(boss: Api) -> None:
    case = fresh(grace=600)
    decide(Api(make_user("reviewer")), "refund")
    address, client = reverse("admin:cases_case_undo", args=[case.pk]), page("supervisor")
    shown = reverse("admin:cases_case_change", args=[case.pk])
    assert address in client.get(shown).content.decode()
    client.post(address, {"note": ""})
    assert Case.objects.get().state == State.DECIDED
    client.post(address, {"note": "wrong customer"})
    assert Case.objects.get().state == State.IN_REVIEW
    assert address not in client.get(shown).content.decode()


def test_who_overrides_a_case_that_is_to_be_read_blind_has_nothing_to_approve(boss: Api) -> None:
    """Its sample has not been read yet: what the machine said counts as not shown to them."""
    case = closed_as(boss, "refund")
    quality = make_queue("quality", kind="quality", groups=("auditor",))
    make_task(case, queue=quality, reason="sample", blind=True)
    first = Decision.objects.get()
    assert override(boss, first.pk, outcome="approve", output=None).status_code == 422
    better = override(boss, first.pk).json()
    assert (better["label"], Decision.objects.get(pk=better["id"]).shown) == ("billing", False)
