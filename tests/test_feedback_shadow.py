"""A version in the shadow: it answers beside the one at work, and nothing comes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cases import plugins
from cases.classify import classify_batch
from cases.errors import Conflict, Forbidden
from cases.models import AuditEvent, Case, CaseType, Prediction
from feedback import jobs, registry, shadow
from feedback.models import ModelVersion, ShadowPrediction
from review.route import route_batch
from tests import factories as make
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
    assert shadow.agreement(second) == {"cases": 3, "same": 3, "known": 0, "shadow_right": 0, "work_right": 0}


def test_what_people_decide_since_tells_which_of_the_two_was_right(letters: CaseType) -> None:
    _first, second = two(letters)
    shadow.to_shadow(second, by=make.make_user("supervisor"), origin="test")
    (case,) = arrive(letters, 1)
    jobs.follow_in_the_shadow()
    ShadowPrediction.objects.update(said="none")
    make.make_decision(case, by=make.make_user("reviewer"), task=make.make_task(case), case_version=case.version + 1)
    assert shadow.agreement(second) == {"cases": 1, "same": 0, "known": 1, "shadow_right": 1, "work_right": 0}


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
