"""Frozen datasets: what is in them, who may have them, and that they never change."""

from __future__ import annotations

from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.classifiers.base import Question
from cases.erase import erase
from cases.errors import Conflict, Forbidden, Invalid
from cases.models import Case, CaseType
from cases.models.choices import State
from feedback import corrections
from feedback.datasets import Selection, composed, freeze
from feedback.exports import FORMATS
from feedback.few_shot import Choice, shots
from feedback.models import Dataset, LabelledExample, Sample, SecondRead
from review.models import Decision
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def decided(case_type: CaseType, text: str, label: str = "billing", **case: Any) -> Decision:
    row = make_case(case_type, state=State.CLOSED, payload={"text": text}, **case)
    prediction = make_prediction(row, output={"label": "refund"})
    output = {"label": label}
    task = make_task(row)
    return make_decision(
        row, by=make_user("reviewer"), task=task, label=label, output=output, prediction=prediction, note="because"
    )


def sampled(case_type: CaseType, text: str) -> Case:
    decision = decided(case_type, text, sampled=True)
    answer = {"label": "billing"}
    Sample.objects.create(
        case=decision.case, decision=decision, prediction=decision.prediction, probability=0.1, automated=False,
        first_answer=answer, final_answer=answer, correct=False, read_by=make_user("reviewer"),
    )  # fmt: skip
    return decision.case


def frozen(case_type: CaseType, name: str = "spring", **selection: Any) -> Dataset:
    return freeze(case_type, name=name, selection=Selection(**selection), by=make_user("supervisor"), origin="test")[0]


def exported(dataset: Dataset) -> dict[str, str]:
    return {name: "".join(lines(dataset.case_type, dataset.items.all())) for name, lines in FORMATS.items()}


def test_a_frozen_dataset_exports_the_same_bytes_whatever_happens_later() -> None:
    case_type = make_case_type()
    for number in range(30):
        decided(case_type, f"text {number}", requester=f"customer-{number}")
    dataset = frozen(case_type)
    before = exported(dataset)
    decided(case_type, "later")
    Decision.objects.update(output={"label": "other"}, note="changed")
    Case.objects.update(payload={"text": "changed"})
    assert exported(dataset) == before
    assert all(before[name] for name in FORMATS)


def test_freezing_what_has_not_changed_gives_the_version_before() -> None:
    case_type = make_case_type()
    decided(case_type, "one")
    first = frozen(case_type)
    assert frozen(case_type) == first
    decided(case_type, "two")
    second = frozen(case_type)
    assert (second.number, second.counts["examples"]) == (2, 2)
    assert frozen(case_type, name="autumn").number == 1


def test_samples_judge_and_are_never_on_the_learning_side() -> None:
    case_type = make_case_type()
    for number in range(20):
        sampled(case_type, f"text {number}")
        decided(case_type, f"other {number}", requester=f"customer-{number}")
    items = composed(case_type, Selection())
    assert {item.side for item in items if item.origin == "sample"} == {"eval"}
    assert sum(item.origin == "sample" for item in items) == 20
    assert {item.side for item in items} == {"train", "eval"}


def test_what_one_requester_wrote_stands_on_one_side() -> None:
    case_type = make_case_type()
    for number in range(80):
        decided(case_type, f"text {number}", requester=f"customer-{number % 40}")
    sides: dict[str, set[str]] = {}
    for item in composed(case_type, Selection()):
        assert item.case
        sides.setdefault(item.case.requester, set()).add(item.side)
    assert all(len(side) == 1 for side in sides.values())
    assert set.union(*sides.values()) == {"train", "eval"}


def test_the_machines_own_unreviewed_answer_is_in_no_dataset() -> None:
    case_type = make_case_type("teacher")
    case = make_case(case_type, state=State.CLOSED)
    make_decision(case, prediction=make_prediction(case), shown=False)
    assert composed(case_type, Selection()) == []
    with pytest.raises(Conflict):
        frozen(case_type)


def test_personal_data_is_masked_unless_it_is_asked_for() -> None:
    case_type = make_case_type()
    decided(case_type, "write to ann@example.org")
    assert composed(case_type, Selection())[0].text == "write to [EMAIL]"
    assert "ann@example.org" in composed(case_type, Selection(mask=False))[0].text


def test_the_period_and_the_origin_select() -> None:
    case_type, now = make_case_type(), timezone.now()
    decided(case_type, "old")
    Decision.objects.update(decided_at=now - timedelta(days=40))
    decided(case_type, "new")
    LabelledExample.objects.create(
        case_type=case_type, source="x", external_id="1", payload={"text": "known"}, output={"label": "other"}
    )
    since = Selection(since=now - timedelta(days=7), origins=("decision",))
    assert [item.text for item in composed(case_type, since)] == ["new"]
    until = Selection(until=now - timedelta(days=7), origins=("decision",))
    assert [item.text for item in composed(case_type, until)] == ["old"]
    assert [item.text for item in composed(case_type, Selection(origins=("labelled",)))] == ["known"]


def test_a_selection_that_makes_no_sense_is_refused_by_field() -> None:
    case_type, now = make_case_type(), timezone.now()
    with pytest.raises(Invalid) as refused:
        frozen(case_type, since=now, until=now, origins=("gossip",))
    assert set(refused.value.errors) == {"origins", "until"}


def test_an_erased_case_leaves_every_dataset_and_the_dataset_says_so() -> None:
    case_type = make_case_type()
    decided(case_type, "a secret", requester="ann")
    decided(case_type, "another", requester="bob")
    dataset = frozen(case_type)
    erase("ann", actor="test", origin="test")
    dataset.refresh_from_db()
    assert dataset.erased == 1
    assert "a secret" not in str(exported(dataset))
    assert frozen(case_type).number == 2


def test_reviewers_can_neither_make_nor_fetch_a_dataset() -> None:
    case_type = make_case_type()
    decided(case_type, "one")
    with pytest.raises(Forbidden):
        freeze(case_type, name="x", selection=Selection(), by=make_user("reviewer"), origin="test")
    dataset = frozen(case_type)
    assert Api(make_user("reviewer")).get("/datasets/").status_code == 403
    assert Api(make_user("auditor")).get(f"/datasets/{dataset.pk}/download/?format=sft").status_code == 403


def test_over_the_api_a_dataset_is_made_listed_and_fetched() -> None:
    case_type = make_case_type()
    decided(case_type, "one", requester="customer-1")
    api = Api(make_user("supervisor"))
    made = api.post("/datasets/", {"case_type": case_type.key, "name": "spring"})
    assert made.status_code == 201
    assert api.post("/datasets/", {"case_type": case_type.key, "name": "spring"}).status_code == 200
    assert [row["id"] for row in api.get("/datasets/").json()["results"]] == [made.json()["id"]]
    file = api.get(f"/datasets/{made.json()['id']}/download/?format=csv")
    content = b"".join(file.streaming_content)
    assert b"one" in content
    assert file["Content-Disposition"].startswith("attachment")
    assert api.get(f"/datasets/{made.json()['id']}/download/?format=doc").status_code == 422
    assert api.get("/datasets/4711/download/?format=csv").status_code == 404
    wrong = api.post("/datasets/", {"case_type": "nothing", "name": "spring"})
    assert list(wrong.json()["errors"]) == ["case_type"]


def read_again(decision: Decision, label: str, *, settled: str = "") -> SecondRead:
    """A second read of a decision, with ``settled`` an adjudication as well."""
    done = {"adjudicator": make_user("supervisor"), "settled": {"label": settled}, "settled_at": timezone.now()}
    return SecondRead.objects.create(
        decision=decision, case_type=decision.case.case_type, probability=0.1, reader=make_user("auditor"),
        output={"label": label}, read_at=timezone.now(), **(done if settled else {}),
    )  # fmt: skip


def texts(case_type: CaseType, **selection: Any) -> list[str]:
    return [item.text for item in composed(case_type, Selection(**selection))]


def test_only_what_enough_readers_agree_on_is_taken_and_one_reader_is_none_to_agree_with() -> None:
    case_type = make_case_type()
    decided(case_type, "read once")
    read_again(decided(case_type, "agreed"), "billing")
    read_again(decided(case_type, "settled two to one"), "refund", settled="billing")
    read_again(decided(case_type, "one against one"), "refund")
    known = {"source": "x", "external_id": "1", "payload": {"text": "known"}, "output": {"label": "other"}}
    LabelledExample.objects.create(case_type=case_type, **known)
    assert len(texts(case_type)) == 5
    assert texts(case_type, minimum_agreement=0.5) == ["agreed", "settled two to one", "one against one"]
    assert texts(case_type, minimum_agreement=0.6) == ["agreed", "settled two to one"]
    assert texts(case_type, minimum_agreement=1.0) == ["agreed"]


def test_who_reads_a_case_twice_is_one_reader() -> None:
    case_type = make_case_type()
    decision = decided(case_type, "twice")
    read = read_again(decision, "billing")
    read.reader = decision.decided_by
    read.save()
    assert texts(case_type, minimum_agreement=0.1) == []


def test_what_an_adjudicator_settled_stands_above_the_decision_it_corrects() -> None:
    case_type = make_case_type()
    read = read_again(decided(case_type, "settled"), "other", settled="other")
    corrections.from_adjudication(read, why="the rule says so")
    [item] = composed(case_type, Selection())
    assert (item.output, item.origin, item.why) == ({"label": "other"}, "adjudication", "the rule says so")


def test_what_somebody_is_to_read_blind_is_in_no_dataset_until_they_answered() -> None:
    case_type = make_case_type()
    task = make_task(decided(case_type, "read again").case, reason="second_read", blind=True)
    corrections.from_override(Decision.objects.get())
    assert texts(case_type) == []
    assert shots(case_type, Question(case_id=0, payload={"text": ""}), Choice()) == []
    task.first_answer = {"label": "billing"}
    task.save()
    assert texts(case_type) == ["read again"]


def test_the_least_agreement_is_a_share_everywhere() -> None:
    case_type = make_case_type()
    read_again(decided(case_type, "agreed"), "billing")
    decided(case_type, "read once")
    asked = {"case_type": case_type.key, "name": "agreed", "minimum_agreement": 1}
    api = Api(make_user("supervisor"))
    made = api.post("/datasets/", asked).json()
    assert (made["counts"]["examples"], made["selection"]["minimum_agreement"]) == (1, 1.0)
    assert list(api.post("/datasets/", {**asked, "minimum_agreement": 1.5}).json()["errors"]) == ["minimum_agreement"]
    with pytest.raises(Invalid):
        frozen(case_type, minimum_agreement=float("nan"))
    out = StringIO()
    with redirect_stdout(out):
        call_command("export_feedback", case_type.key, "--format", "csv", "--minimum-agreement", "1")
    assert "agreed" in out.getvalue()
    assert "read once" not in out.getvalue()
    with pytest.raises(CommandError):
        call_command("export_feedback", case_type.key, "--format", "csv", "--minimum-agreement", "2")


def test_the_page_of_a_dataset_shows_the_first_examples_but_none_that_somebody_reads_blind() -> None:
    case_type = make_case_type()
    shown, hidden = decided(case_type, "shown <i>here</i>"), decided(case_type, "kept back")
    dataset = frozen(case_type)
    make_task(hidden.case, reason="second_read", blind=True)
    client = Client()
    client.force_login(make_user("supervisor", is_staff=True))
    text = client.get(reverse("admin:feedback_dataset_change", args=[dataset.pk])).content.decode()
    assert "shown &lt;i&gt;here" in text
    assert reverse("admin:cases_case_change", args=[shown.case_id]) in text
    assert "kept back" not in text
