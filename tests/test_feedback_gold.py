"""Cases whose right answer is known: made by those who may, believable, and retired in time."""

from __future__ import annotations

from typing import Any

import pytest

from cases.errors import Conflict, Forbidden, Invalid
from cases.models import AuditEvent, Case
from cases.models.choices import State
from feedback import gold
from feedback.models import GoldCase
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def closed_case(*, said: str = "refund", right: str = "refund", **prediction: Any) -> Case:
    case = make_case(make_case_type(), state=State.CLOSED, label=right, confidence=0.9)
    made = make_prediction(case, label=said, **prediction)
    make_decision(case, by=make_user("expert"), output={"label": right}, label=right, prediction=made)
    return case


def test_a_closed_case_becomes_gold_with_the_answer_that_stands_and_what_the_machine_said() -> None:
    case = closed_case(said="billing", right="refund", confidence=0.8)
    made = gold.make_gold(case.pk, by=make_user("supervisor"), origin="test", why="a refund is asked for")
    assert (made.output, made.shown, made.confidence) == ({"label": "refund"}, {"label": "billing"}, 0.8)
    assert AuditEvent.objects.filter(action="gold.made", case_id=None).exists()


def test_a_drill_shows_what_the_machine_held_for_next_likely() -> None:
    case = closed_case(alternatives=[{"label": "refund", "confidence": 0.7}, {"label": "other", "confidence": 0.2}])
    made = gold.make_drill(case.pk, by=make_user("auditor"), origin="test")
    assert (made.shown, made.output) == ({"label": "other"}, {"label": "refund"})


def test_a_drill_without_a_wrong_output_of_its_own_is_asked_for_one() -> None:
    case, by = closed_case(), make_user("supervisor")
    with pytest.raises(Invalid) as refused:
        gold.make_drill(case.pk, by=by, origin="test")
    assert "shown" in refused.value.errors
    assert gold.make_drill(case.pk, by=by, origin="test", shown={"label": "other"}).shown == {"label": "other"}
    with pytest.raises(Conflict):
        gold.make_drill(case.pk, by=by, origin="test", shown={"label": "billing"})


@pytest.mark.parametrize("role", ["reviewer", "expert", "manager", "administrator"])
def test_who_reads_makes_no_gold(role: str) -> None:
    with pytest.raises(Forbidden):
        gold.make_gold(closed_case().pk, by=make_user(role), origin="test")


def test_an_open_case_is_no_gold() -> None:
    case = closed_case()
    Case.objects.filter(pk=case.pk).update(state=State.DECIDED)
    with pytest.raises(Conflict):
        gold.make_gold(case.pk, by=make_user("supervisor"), origin="test")


def test_gold_is_retired_once_with_a_reason() -> None:
    by = make_user("supervisor")
    made = gold.make_gold(closed_case().pk, by=by, origin="test")
    with pytest.raises(Invalid):
        gold.retire(made.pk, by=by, reason=" ", origin="test")
    gold.retire(made.pk, by=by, reason="talked about", origin="test")
    assert GoldCase.objects.get().retired_because == "talked about"
    with pytest.raises(Conflict):
        gold.retire(made.pk, by=by, reason="again", origin="test")
