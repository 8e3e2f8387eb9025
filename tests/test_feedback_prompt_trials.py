"""Prompts on trial: judged beside what is told now, and put to the cases of last week, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases import plugins
from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.models import CaseType
from cases.models.choices import State
from feedback import corrections, jobs, prompt_trials, runs
from feedback.datasets import Selection, freeze
from feedback.models import Dataset, LabelledExample, PromptVersion, Run
from feedback.prompts import compose, put_to_work, why_not
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user
from tests.http_server import answering
from tests.llm_server import LlmServer, llm_server

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture
def server(settings: Any) -> Iterator[LlmServer]:
    def think(text: str) -> dict[str, Any]:
        label = "refund" if "refund" in text else "billing" if "Look twice" in text and "bill" in text else "other"
        return {"rationale": "", "quotes": [], "output": {"label": label, "amount": None}}

    with llm_server(think) as running:
        options: dict[str, Any] = {"base_url": running.url, "model": "gpt-x", "timeout": 2, "retries": 0}
        options |= {"prompts": "feedback.prompts.active_prompt", "prices": {"input": "1", "output": "10"}}
        backend = "cases.classifiers.llm.LlmClassifier"
        settings.CLASSIFIERS = {"llm": {"BACKEND": backend, "OPTIONS": options}}
        plugins.classifier.cache_clear()
        yield running
    plugins.classifier.cache_clear()


@pytest.fixture
def case_type() -> CaseType:
    return make_case_type("exception_handler", classifier="llm")


@pytest.fixture
def author() -> User:
    return make_user("supervisor")


@pytest.fixture
def dataset(case_type: CaseType, author: User) -> Dataset:
    for number in range(150):
        label = ("refund", "billing")[number % 2]
        LabelledExample.objects.create(
            case_type=case_type, source="x", external_id=str(number), payload={"text": f"{label} number {number}"},
            output={"label": label},
        )  # fmt: skip
    return freeze(case_type, name="judging", selection=Selection(), by=author, origin="test")[0]


def written(case_type: CaseType, by: User, wording: str = "Look twice.") -> PromptVersion:
    template = STARTING_TEMPLATE.replace("{case}", f"{wording}\n{{case}}")
    return compose(case_type, template=template, few_shot={}, settings={}, by=by, origin="test")


def carried_out(kind: str, version: PromptVersion, by: User, dataset: Dataset | None = None) -> Run:
    run = runs.start(kind, version.case_type, by=by, origin="test", prompt=version, dataset=dataset)
    jobs.carry_out(run.pk)
    run.refresh_from_db()
    version.refresh_from_db()
    return run


def test_a_prompt_is_judged_beside_what_is_told_now_and_may_then_go_to_work(
    case_type: CaseType, author: User, dataset: Dataset, server: LlmServer
) -> None:
    version = written(case_type, author)
    run = carried_out("evaluate", version, author, dataset)
    judged = dataset.items.filter(side="eval").count()
    told = version.metrics
    assert (run.status, run.progress) == ("done", 1.0)
    assert len(server.requests) == 2 * judged >= 40
    assert (told["accuracy"], told["held_out"], told["dataset"]) == (1.0, judged, "judging 1")
    assert told["comparison"]["only_candidate_right"] > 5
    assert (told["comparison"]["against"], told["comparison"]["p_worse"]) == (0, 1.0)
    assert {row["label"]: row["recall"] for row in told["labels"]} == {"billing": 1.0, "refund": 1.0}
    assert told["cost"] == pytest.approx(2 * judged * 0.0003)
    assert told["tokens"] == {"input": 200 * judged, "output": 40 * judged}
    put_to_work(version, by=make_user("administrator"), reason="it looks twice", origin="test")


def test_a_worse_prompt_is_marked_and_cannot_go_to_work(
    case_type: CaseType, author: User, dataset: Dataset, server: LlmServer
) -> None:
    good = written(case_type, author)
    carried_out("evaluate", good, author, dataset)
    put_to_work(good, by=make_user("administrator"), reason="better", origin="test")
    worse = written(case_type, author, "Look once.")
    carried_out("evaluate", worse, author, dataset)
    assert worse.status == "refused"
    assert "worse" in why_not(worse, good)


def test_an_evaluation_stays_within_its_bounds(
    case_type: CaseType, author: User, dataset: Dataset, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_trials, "MOST_JUDGED", 5)
    version = written(case_type, author)
    carried_out("evaluate", version, author, dataset)
    assert version.metrics["held_out"] <= 5
    assert not version.metrics["comparison"]["compared"]
    monkeypatch.setattr(prompt_trials, "MOST_COST", Decimal("0.0001"))
    run = carried_out("evaluate", version, author, dataset)
    assert (run.status, "dollars" in run.message) == ("failed", True)


def test_an_endpoint_that_is_down_fails_the_run_and_changes_nothing(
    case_type: CaseType, author: User, dataset: Dataset, server: LlmServer
) -> None:
    server.faults.extend([answering(500)] * 400)
    version = written(case_type, author)
    run = carried_out("evaluate", version, author, dataset)
    assert (run.status, "500" in run.message, version.metrics) == ("failed", True, {})


def test_what_is_held_out_is_never_shown_as_an_example(
    case_type: CaseType, author: User, dataset: Dataset, server: LlmServer
) -> None:
    few = {"count": 4, "choice": "fixed"}
    version = compose(
        case_type, template=STARTING_TEMPLATE, few_shot=few, settings={}, dataset=dataset, by=author, origin="test"
    )
    carried_out("evaluate", version, author, dataset)
    told = {text["content"].split("\n")[1] for asked in server.requests for text in asked["messages"][1:-1:2]}
    held_out = set(dataset.items.filter(side="eval").values_list("text", flat=True))
    assert told
    assert not told & held_out


def test_a_replay_tells_what_last_week_would_have_been(case_type: CaseType, author: User, server: LlmServer) -> None:
    server.sureness = 0.95
    for number in range(3):
        case = make_case(
            case_type, state=State.CLOSED, payload={"text": f"bill {number}"}, routed_at=timezone.now(),
            label="other", reason="low_confidence", confidence=0.3,
        )  # fmt: skip
        make_prediction(case, label="other", confidence=0.3)
    version = written(case_type, author)
    run = carried_out("replay", version, author)
    told = version.metrics["replay"]
    assert run.status == "done", run.message
    assert (told["cases"], told["escalated_then"], told["automated_now"], told["another_label"]) == (3, 3, 3, 3)
    assert (told["newly_automated"], told["failed"]) == (3, 0)


def test_whether_old_errors_come_back_is_asked_of_both(
    case_type: CaseType, author: User, dataset: Dataset, server: LlmServer
) -> None:
    for number in range(3):
        case = make_case(case_type, state=State.CLOSED, payload={"text": f"my bill {number}"})
        decision = make_decision(
            case, by=make_user("reviewer"), task=make_task(case), prediction=make_prediction(case), outcome="amend",
            output={"label": "billing"}, label="billing", override=True,
        )  # fmt: skip
        corrections.from_override(decision)
    version = written(case_type, author)
    carried_out("evaluate", version, author, dataset)
    assert version.metrics["recurrence"] == {"asked": {"n": 3, "wrong_before": 3, "wrong_after": 0}}
    client = Client()
    client.force_login(make_user("auditor", is_staff=True))
    page = client.get(f"/admin/feedback/promptversion/{version.pk}/change/").content.decode()
    assert "Do old errors come back?" in page
