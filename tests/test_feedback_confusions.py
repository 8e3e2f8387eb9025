"""What the machine has got wrong lately."""

import pytest

from cases.models.choices import State
from feedback.confusions import Confusion, confusions
from feedback.models import Correction
from tests.factories import make_case, make_case_type

pytestmark = pytest.mark.django_db


def test_the_most_frequent_right_answers_come_first_for_this_answer_of_this_case_type() -> None:
    case_type, other_type = make_case_type(), make_case_type()
    for kind, before, after in (
        *[(case_type, "refund", "billing")] * 3,
        *[(case_type, "refund", "other")] * 2,
        (case_type, "refund", "refund"),
        (case_type, "billing", "refund"),
        (other_type, "refund", "other"),
    ):
        case = make_case(kind, state=State.CLOSED)
        Correction.objects.create(case=case, case_type=kind, source="override", label_before=before, label_after=after)
    assert confusions(case_type_id=case_type.pk, label="refund") == [
        Confusion("refund", "billing", 3),
        Confusion("refund", "other", 2),
    ]
    assert confusions(case_type_id=case_type.pk, label="other") == []
