"""The pages of quality and learning in light, dark and at 390 px: nothing breaks the policy, nothing overflows, axe finds nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.models import CaseType
from cases.models.choices import State
from feedback import corrections, prompts, runs
from feedback.datasets import Selection, freeze
from feedback.models import Correction, ModelVersion, PromptVersion, Round, Run, ShadowPrediction
from tests import factories as make
from tests.browser.test_looks import LOOKS, looked_over

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LISTS = (
    *("round", "sample", "secondread", "outcomereport", "correction"),
    *("dataset", "modelversion", "promptversion", "labelledexample", "run"),
)
FORMS = ("round/add", "dataset/add", "modelversion/train", "promptversion/add", "secondread/agreement")
LONG = "an answer of many words that goes on " * 20
UNBROKEN = "W" * 300
CARD: dict[str, Any] = {
    "held_out": 40,
    "accuracy": 0.9,
    "log_loss": 0.3,
    "calibration_error": 0.02,
    "comparison": {"compared": True, "against": 1, "only_candidate_right": 3, "only_active_right": 1, "p_worse": 0.9},
    "reliability": [{"n": 20, "said": 0.8, "right": 0.9}],
    "risk_coverage": [{"coverage": 0.5, "threshold": 0.9, "error": 0.05}],
    "labels": [{"label": UNBROKEN, "n": 20, "precision": 0.9, "recall": None}],
    "recurrence": {"asked": {"n": 3, "wrong_before": 3, "wrong_after": 1}},
    "replay": {
        **dict.fromkeys(("cases", "known", "another_label"), 5),
        **{f"{name}_{when}": 2 for name in ("automated", "escalated", "wrong") for when in ("then", "now")},
    },
    "shadow": {"seen": 1, "answered": 1, "cost": 0.01, "tokens": {"input": 100, "output": 20}},
}


def corrected(case_type: CaseType) -> Correction:
    row = make.make_case(case_type, state=State.CLOSED)
    prediction = make.make_prediction(row, output={"label": "refund", "draft": LONG, "code": UNBROKEN})
    decision = make.make_decision(
        row, by=make.make_user("reviewer"), task=make.make_task(row), prediction=prediction, override=True,
        output={"label": "billing", "draft": LONG[:200]}, label="billing", note=UNBROKEN,
    )  # fmt: skip
    return corrections.from_override(decision)


def two_prompts(case_type: CaseType, by: User) -> list[PromptVersion]:
    template = f"{STARTING_TEMPLATE}\n{UNBROKEN}"
    made = [
        prompts.compose(case_type, template=template, few_shot={}, settings={}, by=by, origin="test") for _ in range(2)
    ]
    PromptVersion.objects.update(metrics=CARD, status="candidate")
    return made


def world(by: User) -> list[str]:
    """One of everything; the addresses of their pages."""
    case_type = make.make_case_type("teacher", name="Letters that customers write", classifier="local")
    correction = corrected(case_type)
    dataset, _new = freeze(case_type, name="spring", selection=Selection(), by=by, origin="test")
    told: dict[str, Any] = {"case_type": case_type, "metrics": CARD, "trained_on": {"examples": 40}}
    weeks = timezone.now() - timedelta(weeks=2)
    models = [
        ModelVersion.objects.create(number=number, status=status, promoted_at=weeks, **told)
        for number, status in ((1, "retired"), (2, "active"))
    ]
    versions = two_prompts(case_type, by)
    ShadowPrediction.objects.create(prompt=versions[0], case=correction.case, label="a", confidence=0.5, said="b")
    runs.enqueue(Run.Kind.REPLAY, case_type, actor=by, origin="test", prompt=versions[0])
    Run.objects.create(kind="train", case_type=case_type, status="failed", message=UNBROKEN, model=models[0])
    period = {"since": weeks, "until": timezone.now(), "due_at": timezone.now()}
    opened = Round.objects.create(case_type=case_type, number=1, kind="weekly", size=20, made_by=by, **period)
    return [
        f"round/{opened.pk}/change", f"correction/{correction.pk}/change", f"dataset/{dataset.pk}/change",
        *(f"modelversion/{model.pk}/change" for model in models),
        *(f"promptversion/{version.pk}/change" for version in versions),
    ]  # fmt: skip


def compared(kind: str, rows: list[Any]) -> str:
    return f"/admin/feedback/{kind}/compare/?a={rows[0].pk}&b={rows[1].pk}"


@pytest.mark.parametrize("look", LOOKS)
def test_empty_pages_of_learning_are_accessible_and_fit_their_screen(open_desk: Any, look: str) -> None:
    desk = open_desk(**LOOKS[look])
    desk.sign_in(make.make_user("supervisor", is_staff=True))
    found = {}
    for name in (*LISTS, *FORMS):
        desk.page.goto(f"/admin/feedback/{name}/")
        found[name] = looked_over(desk)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("look", LOOKS)
def test_full_pages_of_learning_are_accessible_and_fit_their_screen(open_desk: Any, look: str) -> None:
    user = make.make_user("supervisor", is_staff=True)
    addresses = [f"/admin/feedback/{name}/" for name in (*LISTS, *world(user))]
    addresses.append(compared("promptversion", list(PromptVersion.objects.all())))
    addresses.append(compared("modelversion", list(ModelVersion.objects.all())))
    desk = open_desk(**LOOKS[look])
    desk.sign_in(user)
    found = {}
    for address in addresses:
        assert desk.page.goto(address).status == 200, address
        found[address] = looked_over(desk)
    assert {address: faults for address, faults in found.items() if faults} == {}
