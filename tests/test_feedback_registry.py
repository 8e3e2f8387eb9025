"""What classifiers read from the registry of models and corrections."""

from __future__ import annotations

import pytest

from cases.classifiers.base import Question
from cases.models.choices import State
from feedback.models import Correction, ModelVersion
from feedback.registry import FEW_SHOT, active_model, examples_for
from tests.factories import make_case, make_case_type

pytestmark = pytest.mark.django_db


def test_a_case_type_without_a_model_has_none_at_work() -> None:
    case_type = make_case_type()
    ModelVersion.objects.create(case_type=case_type, number=1, status="candidate", sha256="")
    assert active_model(case_type.key) is None
    assert active_model("no-such-type") is None


def test_few_shot_examples_are_the_newest_of_each_label_never_a_sample_and_never_the_case_itself() -> None:
    case_type = make_case_type()

    def correct(label: str, text: str, *, sampled: bool = False) -> int:
        case = make_case(case_type, payload={"text": text}, state=State.CLOSED, sampled=sampled)
        Correction.objects.create(
            case=case, case_type=case.case_type, source="override", after={"label": label}, label_after=label
        )
        return case.pk

    correct("refund", "old")
    correct("refund", "new")
    correct("billing", "sampled", sampled=True)
    own = correct("other", "itself")
    found = examples_for(case_type.key, Question(case_id=own, payload={"text": "itself"}))
    assert found == [("new", {"label": "refund"})]
    for n in range(30):
        correct(f"label-{n}", f"text {n}")
    assert len(examples_for(case_type.key, Question(case_id=own, payload={}))) == FEW_SHOT
