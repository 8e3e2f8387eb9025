"""Prompts that go to work by rule: allowed beforehand by a second person, judged by the clock, and never where they are worse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases import plugins
from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.errors import Conflict, Forbidden, Invalid
from cases.models import AuditEvent, CaseType
from feedback import jobs, prompt_rules, prompts, runs
from feedback.datasets import Selection, freeze
from feedback.models import Dataset, LabelledExample, PromptVersion, Run
from tests.factories import make_case_type, make_user
from tests.llm_server import LlmServer, llm_server

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture(autouse=True)
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    """Knows a bill only when it is told to look twice, and a refund unless it is told to look away."""

    def think(text: str) -> dict[str, Any]:
        refund = "refund" in text and "Look away" not in text
        label = "refund" if refund else "billing" if "Look twice" in text and "bill" in text else "other"
        return {"rationale": "", "quotes": [], "output": {"label": label, "amount": None}}

    with llm_server(think) as running:
        options: dict[str, Any] = {"base_url": running.url, "model": "gpt-x", "timeout": 2, "retries": 0}
        backend = "cases.classifiers.llm.LlmClassifier"
        settings.CLASSIFIERS = {"llm": {"BACKEND": backend, "OPTIONS": options}}
        plugins.classifier.cache_clear()
        monkeypatch.setattr(runs, "ring", lambda run_id: None)
        yield running
    plugins.classifier.cache_clear()


@pytest.fixture
def case_type() -> CaseType:
    return make_case_type("exception_handler", classifier="llm")


@pytest.fixture
def author() -> User:
    return make_user("supervisor")


@pytest.fixture
def other() -> User:
    return make_user("administrator")


@pytest.fixture
def dataset(case_type: CaseType, author: User) -> Dataset:
    for number in range(150):
        label = ("refund", "billing")[number % 2]
        LabelledExample.objects.create(
            case_type=case_type, source="x", external_id=str(number), payload={"text": f"{label} number {number}"},
            output={"label": label},
        )  # fmt: skip
    return freeze(case_type, name="judging", selection=Selection(), by=author, origin="test")[0]


def written(case_type: CaseType, by: User, wording: str) -> PromptVersion:
    template = STARTING_TEMPLATE.replace("{case}", f"{wording}\n{{case}}")
    return prompts.compose(case_type, template=template, few_shot={}, settings={}, by=by, origin="test")


def allowed(version: PromptVersion, dataset: Dataset, by: User) -> None:
    prompt_rules.allow(version, dataset, by=by, reason="we saw it in the shadow", origin="test")


def carry_out_what_is_due() -> list[str]:
    """What was started by the clock, carried out; the messages."""
    started = prompt_rules.judge_what_is_due()
    for run in started:
        jobs.carry_out(run.pk)
        run.refresh_from_db()
    return [run.message for run in started]


def test_a_better_prompt_goes_to_work_by_the_clock_once_that_was_allowed(
    case_type: CaseType, author: User, other: User, dataset: Dataset
) -> None:
    version = written(case_type, author, "Look twice.")
    assert carry_out_what_is_due() == []
    allowed(version, dataset, other)
    (message,) = carry_out_what_is_due()
    assert message.startswith("Put to work by rule")
    assert prompts.at_work(case_type) == version
    event = AuditEvent.objects.get(action="prompt.promoted_by_rule")
    assert "we saw it in the shadow" in event.data["reason"]
    assert carry_out_what_is_due() == []
    prompts.roll_back(case_type, by=other, origin="test")
    assert prompts.at_work(case_type) is None
    assert carry_out_what_is_due() == [], "what was taken back does not come back by itself"


def test_a_worse_prompt_never_goes_to_work_by_rule(
    case_type: CaseType, author: User, other: User, dataset: Dataset
) -> None:
    good = written(case_type, author, "Look twice.")
    allowed(good, dataset, other)
    carry_out_what_is_due()
    worse, same = written(case_type, author, "Look away."), written(case_type, author, "Look twice, twice. Look twice.")
    for version in (worse, same):
        allowed(version, dataset, other)
    carry_out_what_is_due()
    worse.refresh_from_db()
    assert prompts.at_work(case_type) == good
    assert worse.status == "refused"
    assert Run.objects.filter(status="done").count() == 3


def test_what_nobody_allowed_stays_where_it_is_however_good(
    case_type: CaseType, author: User, other: User, dataset: Dataset
) -> None:
    version = written(case_type, author, "Look twice.")
    run = runs.start("evaluate", case_type, by=author, origin="test", prompt=version, dataset=dataset)
    jobs.carry_out(run.pk)
    version.refresh_from_db()
    assert (version.metrics["accuracy"], version.status) == (1.0, "candidate")


def test_whoever_allowed_it_must_still_be_in_office(
    case_type: CaseType, author: User, other: User, dataset: Dataset
) -> None:
    version = written(case_type, author, "Look twice.")
    allowed(version, dataset, other)
    other.is_active = False
    other.save()
    carry_out_what_is_due()
    assert prompts.at_work(case_type) is None


def test_the_rule_is_allowed_by_a_second_person_with_a_reason_for_what_waits(
    case_type: CaseType, author: User, other: User, dataset: Dataset
) -> None:
    version = written(case_type, author, "Look twice.")
    with pytest.raises(Forbidden):
        allowed(version, dataset, author)
    with pytest.raises(Forbidden):
        allowed(version, dataset, make_user("auditor"))
    with pytest.raises(Invalid):
        prompt_rules.allow(version, dataset, by=other, reason=" ", origin="test")
    with pytest.raises(Conflict):
        prompt_rules.forbid(version, by=other, origin="test")
    allowed(version, dataset, other)
    prompt_rules.forbid(version, by=other, origin="test")
    assert carry_out_what_is_due() == []
    prompts.retire(version, by=other, reason="no", origin="test")
    with pytest.raises(Conflict):
        allowed(version, dataset, other)


def test_it_is_judged_again_a_day_after_a_change_and_else_after_a_week(
    case_type: CaseType, author: User, other: User, dataset: Dataset
) -> None:
    version = written(case_type, author, "Look away.")
    allowed(version, dataset, other)
    assert len(carry_out_what_is_due()) == 1

    def due(**ago: int) -> bool:
        Run.objects.update(created_at=timezone.now() - timedelta(**ago))
        version.refresh_from_db()
        newest = Dataset.objects.order_by("-number").first()
        assert newest is not None
        return prompt_rules.is_due(version, newest)

    assert [due(hours=1), due(days=2), due(days=8)] == [False, False, True]
    LabelledExample.objects.create(
        case_type=case_type, source="x", external_id="new", payload={"text": "refund me"}, output={"label": "refund"}
    )
    freeze(case_type, name="judging", selection=Selection(), by=author, origin="test")
    assert [due(hours=1), due(days=2)] == [False, True]


def test_the_page_lets_a_second_person_allow_it_and_take_that_back(
    case_type: CaseType, author: User, dataset: Dataset
) -> None:
    version = written(case_type, author, "Look twice.")
    client, page = Client(), f"/admin/feedback/promptversion/{version.pk}/change/"
    client.force_login(make_user("administrator", is_staff=True, username="ada"))
    assert "Let the rule decide" in client.get(page).content.decode()
    told = client.post(page, {"verb": "allow", "dataset": dataset.pk, "reason": ""}, follow=True)
    assert "Say why" in told.content.decode()
    client.post(page, {"verb": "allow", "dataset": dataset.pk, "reason": "seen"})
    assert (
        "ada lets the rule decide, by the newest version of the dataset judging." in client.get(page).content.decode()
    )
    client.post(page, {"verb": "forbid"})
    version.refresh_from_db()
    assert "rule" not in version.metrics
