"""The back office's pages of prompts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.models import CaseType
from feedback.models import PromptVersion, Run
from feedback.prompts import at_work, compose
from tests.factories import make_case_type, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
LIST = "/admin/feedback/promptversion/"
FIELDS = {"template": STARTING_TEMPLATE, "count": "4", "choice": "similar", "temperature": "0.2"}


def staff(role: str) -> User:
    return make_user(role, is_staff=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def written(case_type: CaseType, by: User, **metrics: Any) -> PromptVersion:
    version = compose(case_type, template=STARTING_TEMPLATE, few_shot={}, settings={}, by=by, origin="test")
    told = {"comparison": {"compared": True, "against": 0, "p_worse": 1.0}, "accuracy": 0.91, "labels": []}
    PromptVersion.objects.filter(pk=version.pk).update(metrics={**told, **metrics})
    return version


def test_a_supervisor_composes_the_next_version_from_another() -> None:
    case_type, by = make_case_type(), staff("supervisor")
    client, first = signed_in(by), written(case_type, by)
    page = client.get(f"{LIST}add/", {"from": first.pk})
    assert STARTING_TEMPLATE.splitlines()[0] in page.content.decode()
    answer = client.post(f"{LIST}add/", {**FIELDS, "case_type": case_type.pk})
    made = PromptVersion.objects.get(number=2)
    assert answer["Location"] == f"{LIST}{made.pk}/change/"
    assert (made.few_shot, made.settings) == ({"count": 4, "choice": "similar"}, {"temperature": 0.2})
    refused = client.post(f"{LIST}add/", {**FIELDS, "template": "{case}", "case_type": case_type.pk})
    assert "{guidelines} is missing." in refused.content.decode()
    assert signed_in(staff("reviewer")).get(f"{LIST}add/").status_code in (403, 404)


def test_a_second_person_puts_it_to_work_and_back_with_one_click() -> None:
    case_type = make_case_type()
    version = written(case_type, staff("supervisor"))
    client = signed_in(staff("administrator"))
    page = f"{LIST}{version.pk}/change/"
    assert "Put to work" in client.get(page).content.decode()
    client.post(page, {"verb": "promote", "reason": "clearer"})
    assert at_work(case_type) == version
    assert "Roll back" in client.get(page).content.decode()
    client.post(page, {"verb": "roll_back"})
    assert at_work(case_type) is None


def test_who_may_only_look_is_offered_nothing_to_do() -> None:
    version = written(make_case_type(), staff("supervisor"))
    client, page = signed_in(staff("auditor")), f"{LIST}{version.pk}/change/"
    assert "91.0 %" in client.get(LIST).content.decode()
    assert 'name="verb"' not in client.get(page).content.decode()
    answer = client.post(page, {"verb": "promote", "reason": "x"}, follow=True)
    assert "You may not do this." in answer.content.decode()


def test_two_versions_stand_side_by_side() -> None:
    case_type, by = make_case_type(), staff("supervisor")
    first, second = written(case_type, by), written(case_type, by, accuracy=0.5)
    client = signed_in(by)
    page = client.get(f"{LIST}compare/", {"a": first.pk, "b": second.pk}).content.decode()
    assert "91.0 %" in page
    assert "50.0 %" in page
    assert client.get(f"{LIST}compare/", {"a": first.pk, "b": written(make_case_type(), by).pk}).status_code == 404


def test_a_trial_is_started_as_a_run() -> None:
    by = staff("supervisor")
    version = written(make_case_type(), by)
    client, page = signed_in(by), f"{LIST}{version.pk}/change/"
    client.post(page, {"verb": "replay"})
    run = Run.objects.get(prompt=version)
    assert (run.kind, run.status) == ("replay", "waiting")
    assert "replay of last week" in client.get(page).content.decode()
    told = client.post(page, {"verb": "evaluate", "dataset": "x"}, follow=True)
    assert "Name the dataset" in told.content.decode()
