"""A version in the shadow: it answers beside the one at work, and nothing comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from cases import plugins
from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.classify import classify_batch
from cases.errors import Conflict, Forbidden
from cases.models import AuditEvent, Case, CaseType, Prediction
from feedback import jobs, prompts, registry, shadow
from feedback.models import ModelVersion, PromptVersion, ShadowPrediction
from review.models import Decision, ReviewTask
from review.route import route_batch
from tests import factories as make
from tests.http_server import answering
from tests.llm_server import LlmServer, llm_server
from tests.test_feedback_training import SCHEMA, teach, trained

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_plugins() -> Iterator[None]:
    plugins.classifier.cache_clear()
    yield
    plugins.classifier.cache_clear()


@pytest.fixture
def letters() -> CaseType:
    case_type = make.make_case_type(
        "exception_handler", output_schema=SCHEMA, classifier="local", policy={"threshold": 0.3}
    )
    teach(case_type)
    return case_type


def arrive(case_type: CaseType, count: int) -> list[Case]:
    cases = [make.make_case(case_type, payload={"text": f"please refund order {n}"}) for n in range(count)]
    while classify_batch() or route_batch():
        pass
    return cases


def two(case_type: CaseType) -> tuple[ModelVersion, ModelVersion]:
    first = trained(case_type)
    second = trained(case_type)
    assert ModelVersion.objects.get(status="active") == first
    return first, second


def figures(version: ModelVersion | PromptVersion) -> dict[str, int]:
    told = shadow.agreement(version)
    return {name: told[name] for name in ("cases", "same", "known", "shadow_right", "work_right")}


def test_it_answers_what_comes_in_from_then_on_and_changes_no_case(letters: CaseType) -> None:
    first, second = two(letters)
    arrive(letters, 2)
    shadow.to_shadow(second, by=make.make_user("supervisor"), origin="test")
    cases = arrive(letters, 3)
    before = list(Case.objects.order_by("pk").values("state", "label", "confidence", "reason", "version"))
    events = AuditEvent.objects.count()
    jobs.follow_in_the_shadow()
    jobs.follow_in_the_shadow()
    assert list(Case.objects.order_by("pk").values("state", "label", "confidence", "reason", "version")) == before
    assert AuditEvent.objects.count() == events
    assert set(ShadowPrediction.objects.values_list("case", flat=True)) == {case.pk for case in cases}
    assert set(Prediction.objects.values_list("model_version", flat=True)) == {str(first.number)}
    assert figures(second) == {"cases": 3, "same": 3, "known": 0, "shadow_right": 0, "work_right": 0}


def test_what_people_decide_since_tells_which_of_the_two_was_right(letters: CaseType) -> None:
    _first, second = two(letters)
    shadow.to_shadow(second, by=make.make_user("supervisor"), origin="test")
    (case,) = arrive(letters, 1)
    jobs.follow_in_the_shadow()
    ShadowPrediction.objects.update(said="none")
    make.make_decision(case, by=make.make_user("reviewer"), task=make.make_task(case), case_version=case.version + 1)
    assert figures(second) == {"cases": 1, "same": 0, "known": 1, "shadow_right": 1, "work_right": 0}


def test_many_cases_are_answered_in_batches_with_few_queries(
    letters: CaseType, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: object
) -> None:
    _first, second = two(letters)
    shadow.to_shadow(second, by=make.make_user("supervisor"), origin="test")
    arrive(letters, 7)
    monkeypatch.setattr(shadow, "BATCH", 3)
    second.refresh_from_db()
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert shadow.follow(second) == 3
    jobs.follow_in_the_shadow()
    assert ShadowPrediction.objects.count() == 7


def test_one_version_at_a_time_never_the_one_at_work_and_only_by_who_may(letters: CaseType) -> None:
    first, second = two(letters)
    third, by = trained(letters), make.make_user("supervisor")
    with pytest.raises(Forbidden):
        shadow.to_shadow(second, by=make.make_user("reviewer"), origin="test")
    with pytest.raises(Conflict):
        shadow.to_shadow(first, by=by, origin="test")
    shadow.to_shadow(second, by=by, origin="test")
    with pytest.raises(Conflict):
        shadow.to_shadow(third, by=by, origin="test")
    shadow.out_of_shadow(second, by=by, origin="test")
    with pytest.raises(Conflict):
        shadow.out_of_shadow(second, by=by, origin="test")
    shadow.to_shadow(third, by=by, origin="test")


def test_out_of_the_shadow_it_can_be_put_to_work_and_rolled_back_within_one_batch(letters: CaseType) -> None:
    first, second = two(letters)
    shadow.to_shadow(second, by=make.make_user("supervisor"), origin="test")
    registry.promote(second, actor="test", origin="test", reason="it agrees")
    (case,) = arrive(letters, 1)
    assert Prediction.objects.get(case=case).model_version == str(second.number)
    registry.roll_back(letters, actor="test", origin="test")
    (case,) = arrive(letters, 1)
    assert Prediction.objects.get(case=case).model_version == str(first.number)


def test_a_model_file_that_is_gone_stops_no_one_else(letters: CaseType) -> None:
    _first, second = two(letters)
    shadow.to_shadow(second, by=make.make_user("supervisor"), origin="test")
    second.artifact.storage.delete(str(second.artifact.name))
    arrive(letters, 1)
    jobs.follow_in_the_shadow()
    assert not ShadowPrediction.objects.exists()


def test_an_earlier_version_in_the_shadow_can_still_be_gone_back_to(letters: CaseType) -> None:
    first, second = two(letters)
    registry.promote(second, actor="test", origin="test", reason="it agrees")
    by = make.make_user("supervisor")
    shadow.to_shadow(ModelVersion.objects.get(pk=first.pk), by=by, origin="test")
    assert registry.roll_back(letters, actor="test", origin="test") == first
    registry.promote(second, actor="test", origin="test", reason="it agrees")
    shadow.to_shadow(ModelVersion.objects.get(pk=first.pk), by=by, origin="test")
    shadow.out_of_shadow(ModelVersion.objects.get(pk=first.pk), by=by, origin="test")
    assert registry.roll_back(letters, actor="test", origin="test") == first


@pytest.fixture
def server(settings: Any) -> Iterator[LlmServer]:
    """Says refund, and other where it is told to look twice."""

    def think(text: str) -> dict[str, Any]:
        label = "other" if "Look twice" in text else "refund"
        return {"rationale": "", "quotes": [], "output": {"label": label, "amount": None}}

    with llm_server(think) as running:
        options: dict[str, Any] = {"base_url": running.url, "model": "gpt-x", "timeout": 2, "retries": 0}
        options |= {"prompts": "feedback.prompts.active_prompt", "prices": {"input": "1", "output": "10"}}
        backend = "cases.classifiers.llm.LlmClassifier"
        settings.CLASSIFIERS = {**settings.CLASSIFIERS, "llm": {"BACKEND": backend, "OPTIONS": options}}
        plugins.classifier.cache_clear()
        yield running


def in_shadow(case_type: CaseType) -> PromptVersion:
    template = STARTING_TEMPLATE.replace("{case}", "Look twice.\n{case}")
    by = make.make_user("supervisor")
    version = prompts.compose(case_type, template=template, few_shot={}, settings={}, by=by, origin="test")
    shadow.to_shadow(version, by=by, origin="test")
    return version


@pytest.fixture
def asked(server: LlmServer) -> CaseType:
    return make.make_case_type("exception_handler", classifier="llm", policy={"threshold": 0.5})


def test_a_prompt_in_the_shadow_is_asked_beside_what_is_told_now_and_changes_no_case(
    asked: CaseType, server: LlmServer
) -> None:
    arrive(asked, 1)
    version = in_shadow(asked)
    cases = arrive(asked, 2)
    rows = [list(model.objects.order_by("pk").values()) for model in (Case, Prediction, Decision, ReviewTask)]
    events = AuditEvent.objects.count()
    jobs.follow_in_the_shadow()
    jobs.follow_in_the_shadow()
    assert [list(model.objects.order_by("pk").values()) for model in (Case, Prediction, Decision, ReviewTask)] == rows
    assert AuditEvent.objects.count() == events
    said: list[Any] = list(
        ShadowPrediction.objects.order_by("case").values_list("prompt", "model", "case", "label", "said")
    )
    assert said == [(version.pk, None, case.pk, "other", "refund") for case in cases]
    version.refresh_from_db()
    told = version.metrics["shadow"]
    assert (told["answered"], told["failed"], told["tokens"]) == (2, 0, {"input": 200, "output": 40})
    assert told["cost"] == pytest.approx(2 * 0.0003)
    assert prompts.at_work(asked) is None


def test_what_people_decide_is_on_the_card_and_in_the_comparison_of_a_prompt(
    asked: CaseType, server: LlmServer
) -> None:
    version = in_shadow(asked)
    for case in arrive(asked, 6):
        output: dict[str, Any] = {"output": {"label": "other"}, "label": "other"}
        made: dict[str, Any] = {"task": make.make_task(case), "case_version": case.version + 1}
        make.make_decision(case, by=make.make_user("reviewer"), **made, **output)
    jobs.follow_in_the_shadow()
    assert figures(version) == {"cases": 6, "same": 0, "known": 6, "shadow_right": 6, "work_right": 0}
    assert shadow.agreement(version)["p_worse"] == 1.0
    user = make.make_user("supervisor", is_staff=True)
    second = prompts.compose(asked, template=STARTING_TEMPLATE, few_shot={}, settings={}, by=user, origin="test")
    client = Client()
    client.force_login(user)
    page = client.get(f"/admin/feedback/promptversion/{version.pk}/change/").content.decode()
    assert "Of these right: this version</dt><dd>6</dd>" in page
    assert "600 + 120" in page
    compared = client.get("/admin/feedback/promptversion/compare/", {"a": version.pk, "b": second.pk}).content.decode()
    assert "0 of 6" in compared
    client.post(f"/admin/feedback/promptversion/{version.pk}/change/", {"verb": "unshadow"})
    version.refresh_from_db()
    assert version.status == "candidate"


def test_a_prompt_leaves_the_shadow_by_itself_once_it_has_answered_or_cost_enough(
    asked: CaseType, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "MOST_ANSWERED", 2)
    version = in_shadow(asked)
    arrive(asked, 3)
    jobs.follow_in_the_shadow()
    jobs.follow_in_the_shadow()
    version.refresh_from_db()
    assert (version.status, ShadowPrediction.objects.count()) == ("candidate", 2)
    monkeypatch.setattr(shadow, "MOST_COST", Decimal("0.0001"))
    shadow.to_shadow(version, by=make.make_user("supervisor"), origin="test")
    arrive(asked, 1)
    jobs.follow_in_the_shadow()
    whys = AuditEvent.objects.filter(action="prompt.left_the_shadow").order_by("pk").values_list("data__why", flat=True)
    assert list(whys) == ["enough", "too dear"]


def test_an_endpoint_that_fails_the_shadow_is_asked_again_and_hurts_nobody(asked: CaseType, server: LlmServer) -> None:
    version = in_shadow(asked)
    (case,) = arrive(asked, 1)
    server.faults.append(answering(500))
    jobs.follow_in_the_shadow()
    assert not ShadowPrediction.objects.exists()
    jobs.follow_in_the_shadow()
    assert figures(version)["cases"] == 1
    assert Case.objects.get(pk=case.pk).label == "refund"


def test_a_prompt_stands_in_the_shadow_only_where_a_language_model_is_there_and_by_who_may(asked: CaseType) -> None:
    version = in_shadow(asked)
    with pytest.raises(Forbidden):
        shadow.out_of_shadow(version, by=make.make_user("auditor"), origin="test")
    with pytest.raises(Conflict):
        in_shadow(asked)


def test_without_a_language_model_no_prompt_stands_in_the_shadow(settings: Any) -> None:
    settings.CLASSIFIERS = {}
    with pytest.raises(Conflict):
        in_shadow(make.make_case_type("exception_handler", classifier="llm"))
