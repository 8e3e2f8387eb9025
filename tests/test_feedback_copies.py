"""A known case is planted as a copy: nothing about it tells that it is not new, and nothing of it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from cases.audit import journal
from cases.erase import erase
from cases.errors import Conflict
from cases.models import Attachment, AuditEvent, Case
from cases.models.choices import State
from feedback import gold
from feedback.models import GoldCase, Planting
from feedback.plantings import plant
from review import claims
from review.decide import Answer, decide
from review.models import ReviewTask
from review.shown import digest_of, newest_prediction
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user
from tests.gold import answer, closed_case, drill, planted

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
LONG_AGO = timedelta(days=40)


def old_drill() -> tuple[Case, ReviewTask]:
    """A case of forty days ago with its journal and a file, planted after a newer one came in."""
    case_type = make_case_type("exception_handler")
    case = closed_case(case_type, requester="customer-7")
    came = timezone.now() - LONG_AGO
    Case.objects.filter(pk=case.pk).update(created_at=came, routed_at=came + timedelta(seconds=4), version=3)
    told: list[tuple[str, dict[str, Any]]] = [
        ("case.received", {"source": "test"}),
        ("case.classified", {"label": "refund"}),
    ]
    with journal(actor="shop", origin="api", at=came) as log:
        for action, data in told:
            log(action, case_id=case.pk, data=data)
    file = Attachment(case=case, name="scan.png", content_type="image/png", size=3, sha256="ab" * 32, created_at=came)
    file.file.save("scan.png", ContentFile(b"png"))
    make_prediction(case, label="refund", confidence=0.9)
    newer = make_case(case_type, state=State.IN_REVIEW, requester="customer-8")
    make_prediction(newer, label="other", model_version="5")
    make_task(newer, reason="low_confidence")
    gold.make_drill(case.pk, by=make_user("supervisor"), origin="test", shown={"label": "billing"})
    planting = plant(case_type.policies.get(), queue=make_queue())
    assert planting is not None
    assert planting.task is not None
    return case, planting.task


def test_every_number_and_every_moment_of_it_is_new() -> None:
    original, task = old_drill()
    user = make_user("reviewer")
    body = Api(user).post(f"/tasks/{task.pk}/claim/").json()
    case, said = body["case"], body["prediction"]
    newest = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert case["id"] > newest
    assert case["url"].endswith(f"/cases/{case['id']}/")
    assert case["version"] == 1
    assert said["id"] > original.predictions.latest("pk").pk
    assert said["model_version"] == "5"
    recently = (timezone.now() - timedelta(hours=1)).isoformat()
    files = body["case"]["attachments"]
    moments = [case["created_at"], case["routed_at"], said["created_at"], body["opened_at"], files[0]["created_at"]]
    assert all(moment > recently for moment in moments)
    assert files[0]["id"] > original.attachments.get().pk
    assert f"/cases/{original.pk}/" not in str(body)
    assert case["external_id"] != original.external_id
    assert case["external_id"].startswith("test-")
    assert said["confidence"] < 0.8  # else no person would have been asked


def test_its_timeline_tells_of_a_case_that_has_just_come_in() -> None:
    original, task = old_drill()
    user = make_user("reviewer")
    claims.claim(task.pk, user=user, origin="test")
    events = Api(user).get(f"/cases/{task.case_id}/events/").json()["results"]
    assert [event["action"] for event in events[:3]] == ["case.received", "case.classified", "case.in_review"]
    assert events[1]["data"] == {"label": "billing"}
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)
    assert events[0]["id"] > AuditEvent.objects.filter(case_id=original.pk).latest("pk").pk
    assert all(event["at"] > (timezone.now() - timedelta(hours=1)).isoformat() for event in events)


def test_it_stands_in_lists_and_searches_where_a_new_case_would_and_the_original_does_not(client: Client) -> None:
    original, task = old_drill()
    user = make_user("reviewer", is_staff=True)
    make_task(original, closed_at=timezone.now(), ending="decided", queue=make_queue())
    api = Api(user)
    listed = [case["id"] for case in api.get("/cases/").json()["results"]]
    assert listed[0] == task.case_id
    assert original.pk not in listed
    assert api.get(f"/cases/{original.pk}/").status_code == 404
    assert api.get(f"/cases/{task.case_id}/").json()["requester"] == "customer-7"
    client.force_login(user)
    for path in (
        "/admin/cases/case/?q=customer-7",
        f"/admin/cases/case/?q={task.case_id}",
        "/admin/palette/?q=customer-7",
    ):
        found = client.get(path).content.decode()
        assert f"/{task.case_id}/" in found, path
        assert f"/case/{original.pk}/" not in found, path
    answer(task, user, caught=True)
    assert api.get(f"/cases/{original.pk}/").status_code == 200
    assert api.get(f"/cases/{task.case_id}/").status_code == 404
    assert [case["id"] for case in api.get("/cases/").json()["results"]].count(task.case_id) == 0


def test_who_knows_what_is_planted_sees_no_copies_and_the_original_as_it_is() -> None:
    original, task = old_drill()
    for role in ("supervisor", "auditor"):
        api = Api(make_user(role))
        assert api.get(f"/cases/{task.case_id}/").status_code == 404
        assert api.get(f"/cases/{original.pk}/").json()["state"] == "closed"
        assert task.pk not in [one["id"] for one in api.get("/tasks/").json()["results"]]


def test_nobody_meets_the_same_known_case_twice() -> None:
    case_type, user = make_case_type("exception_handler"), make_user("reviewer")
    answer(planted(case_type), user, caught=True)
    again = plant(case_type.policies.get(), queue=make_queue())
    assert again is not None
    assert claims.claim_next(user, origin="test") is None
    assert claims.claim_next(make_user("reviewer"), origin="test") == again.task


def test_what_is_meant_for_one_reader_is_given_to_no_other() -> None:
    case_type, user = make_case_type("exception_handler"), make_user("reviewer")
    task = planted(case_type, reader=user)
    assert claims.claim_next(make_user("reviewer"), origin="test") is None
    assert claims.claim_next(user, origin="test") == task


def test_a_known_case_comes_only_where_it_would_have_come_by_itself() -> None:
    experts = make_queue("experts", kind="expert", groups=("expert",))
    rules = [{"reason": "low_confidence", "queue": experts}, {"default": True, "queue": make_queue()}]
    case_type = make_case_type("exception_handler", rules=rules)
    drill(case_type)
    assert plant(case_type.policies.get(), queue=make_queue()) is None
    planting = plant(case_type.policies.get(), queue=experts)
    assert planting is not None
    assert planting.task is not None
    assert [row["need"] for row in planting.task.trace if row.get("result") and "need" in row] == ["low_confidence"]


def test_copies_are_no_cases_of_production() -> None:
    original, task = old_drill()
    real = Case.objects.count()
    assert Case.everything.count() == real + 1
    assert not original.case_type.cases.filter(pk=task.case_id).exists()
    answer(task, make_user("reviewer"), caught=False)
    assert Case.objects.count() == real
    assert not original.decisions.exclude(decided_by__username__startswith="expert").exists()


def test_erasing_the_requester_empties_the_copies_too() -> None:
    _original, task = old_drill()
    erase("customer-7", actor="test", origin="test")
    copy = Case.everything.get(pk=task.case_id)
    assert (copy.payload, copy.requester, copy.salt) == ({}, "", "")
    assert not Attachment.objects.exists()
    assert not ReviewTask.objects.open().filter(planted=True).exists()
    assert GoldCase.objects.get().shown == {}


def test_a_case_that_is_decided_otherwise_is_known_no_more() -> None:
    case_type = make_case_type("exception_handler")
    known = drill(case_type)
    case = known.case
    Case.objects.filter(pk=case.pk).update(state=State.IN_REVIEW, version=2)
    case.refresh_from_db()
    task, user = make_task(case, reason="low_confidence"), make_user("reviewer")
    answer_other(task, user)
    known.refresh_from_db()
    assert known.retired_at is not None


def answer_other(task: ReviewTask, user: Any) -> None:
    mine = claims.claim(task.pk, user=user, origin="test")
    digest = digest_of(mine, mine.case, newest_prediction(mine.case))
    said = Answer("amend", {"label": "other"})
    decide(task.pk, user=user, lease_token=mine.lease_token, digest=digest, answer=said, origin="test")


def test_ten_readers_wear_it_out() -> None:
    case_type = make_case_type("exception_handler")
    known = drill(case_type)
    for number in range(10):
        planting = plant(case_type.policies.get(), queue=make_queue())
        assert planting is not None, number
        assert planting.task is not None
        answer(planting.task, make_user("reviewer"), caught=True)
    known.refresh_from_db()
    assert known.retired_at is not None
    assert plant(case_type.policies.get(), queue=make_queue()) is None
    assert Planting.objects.filter(gold=known).count() == 10


def test_only_an_answer_that_somebody_gave_is_known() -> None:
    case = make_case(make_case_type(), state=State.CLOSED)
    make_decision(case, by=None, prediction=make_prediction(case))
    with pytest.raises(Conflict, match="only the machine"):
        gold.make_gold(case.pk, by=make_user("supervisor"), origin="test")
