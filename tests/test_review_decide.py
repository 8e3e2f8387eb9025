"""Decisions: bound to a claim, to what was shown, and to the schema; one per case version."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from cases.models import AuditEvent, Case, CaseType, Effect
from cases.models.choices import State
from feedback.models import Correction, Sample
from review.models import Decision, ReviewTask
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
SECRET_LABEL, SECRET_WORDS = "billing", "the machine's own rationale"


def claimed(
    *, role: str = "reviewer", case_type: CaseType | None = None, label: str = "refund", **task: Any
) -> tuple[Api, dict[str, Any]]:
    """A claimed task as the API shows it, and its claimer."""
    case_type = case_type or make_case_type(action={"backend": "log"})
    case = make_case(case_type, state=State.IN_REVIEW)
    make_prediction(
        case, label=label, rationale=SECRET_WORDS, evidence=[{"field": "payload.text", "start": 0, "end": 3}]
    )
    Case.objects.filter(pk=case.pk).update(label=label, confidence=0.7, reason="low_confidence")
    made = make_task(case, **task)
    api = Api(make_user(role))
    answer = api.post(f"/tasks/{made.pk}/claim/")
    assert answer.status_code == 200, answer.content
    return api, answer.json()


def decide(api: Api, desk: dict[str, Any], **body: Any) -> Any:
    given = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "approve", **body}
    return api.post(f"/tasks/{desk['id']}/decide/", given)


def test_an_approval_takes_the_output_shown_and_sets_the_effect_off() -> None:
    api, desk = claimed()
    answer = decide(api, desk, active_seconds=12.5, note="clear")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["outcome"], body["output"], body["override"], body["held"]) == (
        "approve",
        {"label": "refund"},
        False,
        False,
    )
    case = Case.objects.get(pk=desk["case"]["id"])
    decision = Decision.objects.get(case=case)
    assert (case.state, case.label, decision.digest, decision.active_seconds) == (
        "decided",
        "refund",
        desk["digest"],
        12.5,
    )
    assert Effect.objects.get(case=case).body["decision"]["by"] == api.user.username
    assert ReviewTask.objects.get().ending == "decided"
    assert not Correction.objects.exists()


def test_an_amendment_is_an_override_and_a_correction_with_its_lineage() -> None:
    api, desk = claimed()
    body = decide(api, desk, outcome="amend", output={"label": "other"}, note="not a refund").json()
    assert (body["outcome"], body["override"], body["label"]) == ("amend", True, "other")
    correction = Correction.objects.get()
    assert (correction.label_before, correction.label_after, correction.why) == ("refund", "other", "not a refund")
    assert (correction.source, correction.given_by) == ("override", api.user)


def test_an_amendment_that_changes_nothing_is_an_approval() -> None:
    api, desk = claimed()
    body = decide(api, desk, outcome="amend", output={"label": "refund"}).json()
    assert (body["outcome"], body["override"]) == ("approve", False)


def test_an_approval_that_brings_another_output_is_refused() -> None:
    api, desk = claimed()
    answer = decide(api, desk, output={"label": "other"})
    assert answer.status_code == 422
    assert "outcome" in answer.json()["errors"]


def test_a_rejection_needs_a_reason_and_leaves_no_output() -> None:
    api, desk = claimed()
    refused = decide(api, desk, outcome="reject")
    assert refused.status_code == 422
    assert "reason" in refused.json()["errors"]
    body = decide(api, desk, outcome="reject", reason="spam").json()
    assert (body["outcome"], body["output"], body["label"], body["override"]) == ("reject", None, None, True)


@pytest.mark.parametrize(
    ("output", "field"),
    [
        ({"label": "unheard"}, "output.label"),
        ({"label": "other", "amount": "40"}, "output.amount"),
        ({"amount": 3}, "output"),
        ({"label": "other", "note": "a\x00b"}, "output.note"),
    ],
)
def test_an_output_that_does_not_fit_is_refused_by_its_path_and_the_claim_is_kept(
    output: dict[str, Any], field: str
) -> None:
    api, desk = claimed()
    answer = decide(api, desk, outcome="amend", output=output)
    assert answer.status_code == 422
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.json()
    assert decide(api, desk).status_code == 200


@pytest.mark.parametrize("seconds", [-1, 86_401, "12", None])
def test_active_seconds_out_of_range_are_refused(seconds: Any) -> None:
    api, desk = claimed()
    answer = decide(api, desk, active_seconds=seconds)
    assert answer.status_code == (200 if seconds is None else 422)


def test_what_changed_since_it_was_shown_must_be_looked_at_again() -> None:
    api, desk = claimed()
    make_prediction(Case.objects.get(), label="other", confidence=0.99)
    answer = decide(api, desk)
    assert answer.status_code == 409
    assert "look again" in answer.json()["detail"]
    renewed = api.post(f"/tasks/{desk['id']}/claim/").json()
    assert renewed["digest"] != desk["digest"]
    assert decide(api, renewed).json()["label"] == "other"


def test_a_decision_after_the_lease_ran_out_is_refused_and_tells_who_has_the_task() -> None:
    api, desk = claimed()
    ReviewTask.objects.update(lease_until=Now())
    late = decide(api, desk)
    assert late.status_code == 409
    assert "claim it again" in late.json()["detail"]
    other = Api(make_user("reviewer"))
    theirs = other.post("/tasks/claim/").json()
    late = decide(api, desk)
    assert late.status_code == 409
    assert other.user.username in late.json()["detail"]
    assert decide(other, theirs).status_code == 200
    assert other.user.username in decide(api, desk).json()["detail"]


def test_an_old_token_of_ones_own_is_refused() -> None:
    api, desk = claimed()
    api.post(f"/tasks/{desk['id']}/claim/")
    answer = decide(api, desk)
    assert answer.status_code == 409
    assert "claimed this task again" in answer.json()["detail"]


def test_somebody_elses_task_cannot_be_decided() -> None:
    _api, desk = claimed()
    stranger = Api(make_user("reviewer"))
    assert decide(stranger, desk).status_code == 409
    assert decide(Api(make_user("integration")), desk).status_code in (403, 404)
    assert not Decision.objects.exists()


def test_a_case_withdrawn_meanwhile_cannot_be_decided() -> None:
    api, desk = claimed()
    Case.objects.update(state=State.CANCELLED)
    answer = decide(api, desk)
    assert answer.status_code == 409
    assert "cancelled" in answer.json()["detail"]
    assert not Effect.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_ten_clicks_at_once_one_decides_and_nine_conflict() -> None:
    api, desk = claimed()
    start = threading.Barrier(10)
    statuses: list[int] = []

    def click() -> None:
        start.wait()
        statuses.append(decide(api, desk).status_code)
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(statuses) == {200: 1, 409: 9}
    assert (Decision.objects.count(), Effect.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action="decision.made", case_id=desk["case"]["id"]).count() == 1


def everything_told(api: Api, desk: dict[str, Any]) -> dict[str, str]:
    """Every answer of the API that touches a case."""
    case = desk["case"]["id"]
    paths = [
        f"/cases/{case}/",
        "/cases/",
        f"/cases/?label={SECRET_LABEL}",
        "/cases/?reason=low_confidence",
        f"/cases/{case}/events/",
        "/tasks/",
        "/tasks/?reason=low_confidence",
        "/tasks/?mine=true",
        "/decisions/",
        "/queues/",
    ]
    answers = {path: api.get(path) for path in paths}
    answers["claim"] = api.post(f"/tasks/{desk['id']}/claim/")
    return {path: answer.content.decode() for path, answer in answers.items() if answer.status_code == 200}


def leaks(told: dict[str, str]) -> list[str]:
    words = (f'"{SECRET_LABEL}"', SECRET_WORDS, "0.73")
    return [
        f"{path}: {word}"
        for path, text in told.items()
        for word in words
        if word
        in text.replace('"enum":["refund","billing","other"]', "").replace('"enum": ["refund", "billing", "other"]', "")
    ]


@pytest.mark.parametrize("role", ["reviewer", "supervisor"])
def test_nothing_the_machine_said_leaks_to_anybody_before_the_blind_reader_has_answered(role: str) -> None:
    reader, desk = claimed(label=SECRET_LABEL, reason="low_confidence", blind=True, trace=[{"confidence": 0.73}])
    Case.objects.update(confidence=0.73)
    assert desk["prediction"] is None
    assert desk["case"]["label"] is None
    assert desk["reason"] is None
    api = reader if role == "reviewer" else Api(make_user(role))
    told = everything_told(api, desk)
    assert leaks(told) == []
    for path in ("/tasks/?reason=low_confidence", "/cases/?reason=low_confidence", f"/cases/?label={SECRET_LABEL}"):
        assert f'"case":{desk["case"]["id"]}' not in told.get(path, "").replace(" ", "")
        assert f'"id":{desk["case"]["id"]},' not in told.get(path, "").replace(" ", "")


def test_the_blind_reader_answers_first_then_sees_the_machine_and_may_revise() -> None:
    api, desk = claimed(label=SECRET_LABEL, blind=True)
    bad = api.post(
        f"/tasks/{desk['id']}/answer/",
        {"lease_token": desk["lease_token"], "digest": desk["digest"], "output": {"label": "unheard"}},
    )
    assert bad.status_code == 422
    shown = api.post(
        f"/tasks/{desk['id']}/answer/",
        {"lease_token": desk["lease_token"], "digest": desk["digest"], "output": {"label": "refund"}},
    ).json()
    assert shown["first_answer"] == {"label": "refund"}
    assert shown["prediction"]["label"] == SECRET_LABEL
    assert decide(api, desk).status_code == 409
    assert decide(api, shown).json()["label"] == SECRET_LABEL
    sample = Sample.objects.get()
    assert (sample.first_answer, sample.final_answer, sample.correct, sample.automated) == (
        {"label": "refund"}, {"label": SECRET_LABEL}, True, False,
    )  # fmt: skip


def test_a_blind_reader_cannot_approve_what_was_never_shown() -> None:
    api, desk = claimed(label=SECRET_LABEL, blind=True)
    answer = decide(api, desk)
    assert answer.status_code == 422
    assert "output" in answer.json()["errors"]
    assert SECRET_LABEL not in answer.content.decode()


def test_a_guess_tells_a_blind_reader_nothing_before_it_is_a_decision() -> None:
    """An approval with an output is taken as the reader's own, right or wrong: no oracle."""
    api, desk = claimed(label=SECRET_LABEL, blind=True)
    body = decide(api, desk, outcome="approve", output={"label": "other"}).json()
    assert (body["label"], body["override"]) == ("other", False)
    assert Sample.objects.get().correct is False
    assert Correction.objects.get().source == "sample"


def test_a_sample_of_a_decided_case_found_right_is_evaluation_data_and_nothing_else() -> None:
    case = make_case(make_case_type("teacher"), state=State.CLOSED)
    prediction = make_prediction(case)
    Decision.objects.create(
        case=case, case_version=1, policy=case.case_type.policies.get(), prediction=prediction, outcome="approve",
        output={"label": "refund"}, label="refund", shown=False,
    )  # fmt: skip
    task = make_task(
        case, queue=make_queue("quality", kind="quality", groups=("auditor",)), reason="sample", blind=True
    )
    api = Api(make_user("auditor"))
    assert sampled(api, task, {"label": "refund"}) == {"task": task.pk, "sample": True}
    case.refresh_from_db()
    assert (case.state, case.version, Decision.objects.count()) == (State.CLOSED, 1, 1)
    assert Sample.objects.get().correct


def test_a_sample_found_wrong_reopens_the_case_and_is_a_correction() -> None:
    case = make_case(make_case_type("teacher"), state=State.CLOSED)
    prediction = make_prediction(case)
    Decision.objects.create(
        case=case, case_version=1, policy=case.case_type.policies.get(), prediction=prediction, outcome="approve",
        output={"label": "refund"}, label="refund", shown=False,
    )  # fmt: skip
    task = make_task(
        case, queue=make_queue("quality", kind="quality", groups=("auditor",)), reason="sample", blind=True
    )
    sampled(Api(make_user("auditor")), task, {"label": "other"})
    case.refresh_from_db()
    assert (case.state, case.version) == (State.IN_REVIEW, 2)
    assert ReviewTask.objects.open().get().reason == "reported_error"
    assert Correction.objects.get().label_after == "other"
    assert not Sample.objects.get().correct


def sampled(api: Api, task: ReviewTask, output: dict[str, Any]) -> dict[str, Any]:
    desk = api.post(f"/tasks/{task.pk}/claim/").json()
    answer = decide(api, desk, outcome="amend", output=output)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_deciding_takes_few_queries(django_assert_max_num_queries: Any) -> None:
    api, desk = claimed()
    with django_assert_max_num_queries(50):
        assert decide(api, desk).status_code == 200


def test_an_account_without_the_right_is_refused(db: None) -> None:
    task = make_task()
    for role in ("manager", "auditor", "integration", "administrator"):
        assert Api(make_user(role)).post(f"/tasks/{task.pk}/claim/").status_code in (403, 404)


def test_an_amendment_without_an_output_is_told_what_is_missing() -> None:
    api, desk = claimed()
    body = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "amend"}
    answer = api.post(f"/tasks/{desk['id']}/decide/", body)
    assert (answer.status_code, answer.json()["errors"]) == (422, {"output": ["Give an output."]})
