"""The lists of quality and learning: an empty one says what fills it, and offers the next step to who may take it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.models import CaseType
from feedback import prompts, runs
from feedback.models import Run
from tests import factories as make
from tests.desk import signed_in
from tests.test_feedback_training import SCHEMA, teach, trained

pytestmark = pytest.mark.django_db
LISTS = (
    *("round", "sample", "secondread", "outcomereport", "correction"),
    *("dataset", "modelversion", "promptversion", "labelledexample", "run"),
)


def page(client: Client, name: str, **asked: str) -> str:
    return client.get(reverse(f"admin:feedback_{name}_changelist"), asked).content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_says_what_fills_it(name: str) -> None:
    client, _user = signed_in("supervisor")
    html = page(client, name)
    assert 'class="cs-empty"' in html
    assert 'class="paginator"' not in html


@pytest.mark.parametrize(
    ("name", "step"),
    [("round", "round/add/"), ("dataset", "dataset/add/"), ("promptversion", "promptversion/add/"),
     ("modelversion", "modelversion/train/")],
)  # fmt: skip
def test_the_next_step_is_offered_to_who_may_take_it(name: str, step: str) -> None:
    leads, _user = signed_in("supervisor")
    looks, _other = signed_in("manager")
    assert page(leads, name).count(step) == 2, "over the list and in it"
    assert step not in page(looks, name)


def test_a_filter_that_fits_nothing_offers_the_whole_list() -> None:
    client, user = signed_in("supervisor")
    prompts.compose(make.make_case_type(), template=STARTING_TEMPLATE, few_shot={}, settings={}, by=user, origin="test")
    html = page(client, "promptversion", status__exact="active")
    assert "Nothing fits" in html
    assert 'href="?"' in html


def test_every_run_is_listed_with_what_it_was_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "ring", lambda run_id: None)
    client, user = signed_in("supervisor")
    for number in range(3):
        case_type = make.make_case_type(name=f"Letters {number}")
        version = prompts.compose(
            case_type, template=STARTING_TEMPLATE, few_shot={}, settings={}, by=user, origin="test"
        )
        runs.start(Run.Kind.REPLAY, case_type, by=user, origin="test", prompt=version)
    html = page(client, "run")
    assert html.count('1</a> <span class="cs-quiet">prompt</span>') == 3
    assert "Letters 2 1</a>" in html
    reader, _other = signed_in("reviewer")
    assert reader.get(reverse("admin:feedback_run_changelist")).status_code in (403, 404)


def test_the_list_of_models_tells_when_the_clock_trains_next() -> None:
    case_type: CaseType = make.make_case_type("validator", name="Letters", output_schema=SCHEMA, classifier="local")
    teach(case_type)
    version = trained(case_type)
    client, _user = signed_in("supervisor")
    assert "20 more decisions" in page(client, "modelversion")
    for number in range(20):
        case = make.make_case(case_type, payload={"text": f"refund {number}"})
        make.make_decision(case, by=make.make_user("reviewer"), task=make.make_task(case), case_version=case.version)
    html = page(client, "modelversion")
    assert "more decisions" not in html
    assert (version.created_at + timedelta(days=7)).strftime("%Y-%m-%d") in html
    assert timezone.now() < version.created_at + timedelta(days=7)
