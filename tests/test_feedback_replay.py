"""Last week once more with another version."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.models import Case, CaseType
from feedback import jobs, replay, runs
from feedback.models import ModelVersion, Run
from tests import factories as make
from tests.test_feedback_training import SCHEMA, teach, trained

pytestmark = pytest.mark.django_db


@pytest.fixture
def letters() -> CaseType:
    case_type = make.make_case_type(
        "exception_handler", output_schema=SCHEMA, classifier="local", policy={"threshold": 0.5}
    )
    teach(case_type)
    return case_type


def routed(case_type: CaseType, text: str, **fields: Any) -> Case:
    defaults = {"routed_at": timezone.now(), "state": "closed", "label": "refund", "confidence": 0.9}
    return make.make_case(case_type, payload={"text": text}, **{**defaults, **fields})


def replayed(version: ModelVersion) -> dict[str, Any]:
    run = runs.start(Run.Kind.REPLAY, version.case_type, by=make.make_user("supervisor"), origin="test", model=version)
    jobs.carry_out(run.pk)
    run.refresh_from_db()
    assert run.status == "done", run.message
    version.refresh_from_db()
    figures: dict[str, Any] = version.metrics["replay"]
    return figures


def test_what_would_have_been_automated_escalated_and_wrong(letters: CaseType) -> None:
    version = trained(letters)
    right = routed(letters, "please refund order 7", reason="low_confidence", state="in_review")
    wrong = routed(letters, "please refund order 8", label="none")
    make.make_decision(wrong, output={"label": "none"}, label="none")  # by policy
    figures = replayed(version)
    assert (figures["cases"], figures["automated_then"], figures["escalated_then"]) == (2, 1, 1)
    assert (figures["automated_now"], figures["newly_automated"], figures["another_label"]) == (2, 1, 1)
    assert figures["known"] == 0, "what policy decided is no truth"
    assert right.reason == "low_confidence"


def test_right_or_wrong_is_counted_only_where_the_version_has_not_learnt_the_case(letters: CaseType) -> None:
    version = trained(letters)
    reader = make.make_user("reviewer")
    for n in range(40):
        case = routed(letters, f"please refund order {n}", requester=f"requester {n}")
        task = make.make_task(case)
        make.make_decision(case, by=reader, task=task, output={"label": "none"}, label="none")
    figures = replayed(version)
    assert 0 < figures["known"] < 40
    assert figures["wrong_then"] == figures["known"]
    assert figures["wrong_now"] <= figures["known"]


def test_older_cases_and_other_types_are_left_alone_and_the_number_is_bounded(
    letters: CaseType, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = trained(letters)
    routed(letters, "long ago", routed_at=timezone.now() - timedelta(days=8))
    routed(make.make_case_type(), "another type")
    assert replayed(version)["cases"] == 0
    for n in range(5):
        routed(letters, f"refund {n}")
    monkeypatch.setattr(replay, "MOST_CASES", 3)
    assert replayed(version)["cases"] == 3
