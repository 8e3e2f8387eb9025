"""A version's card: figures that can be counted by hand, and the pages that show them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.errors import Conflict, Forbidden, Invalid
from cases.models import CaseType
from feedback import promoting, runs
from feedback.cards import card, corrected, per_label, reliability, risk_coverage
from feedback.datasets import Selection, freeze
from feedback.evaluation import Score
from feedback.models import Correction, DatasetItem, LabelledExample, ModelVersion, Run, Sample
from feedback.training import judge_again, train
from tests import factories as make
from tests.desk import signed_in
from tests.test_feedback_datasets import sampled
from tests.test_feedback_training import SCHEMA, teach, trained

pytestmark = pytest.mark.django_db
LIST = "admin:feedback_modelversion_changelist"


@pytest.fixture
def letters() -> CaseType:
    return make.make_case_type("exception_handler", output_schema=SCHEMA, classifier="local", policy={"threshold": 0.3})


def page(version: ModelVersion) -> str:
    return reverse("admin:feedback_modelversion_change", args=[version.pk])


def scored(*answers: tuple[float, bool]) -> Score:
    return Score(
        right=tuple(right for _sure, right in answers),
        surprise=(0.0,) * len(answers),
        confidence=tuple(sure for sure, _right in answers),
        said=("a",) * len(answers),
    )


def test_the_surest_answers_are_let_pass_first() -> None:
    points = risk_coverage(scored((0.2, False), (0.9, True), (0.6, False), (0.8, True)))
    assert {"coverage": 0.5, "threshold": 0.8, "error": 0.0} in points
    assert points[-1] == {"coverage": 1.0, "threshold": 0.2, "error": 0.5}


def test_reliability_sets_what_was_said_beside_what_was_right() -> None:
    rows = reliability(scored(*[(0.1, False)] * 10, *[(0.9, True)] * 10))
    assert sum(row["n"] for row in rows) == 20
    assert (rows[0], rows[-1]) == ({"n": 2, "said": 0.1, "right": 0.0}, {"n": 2, "said": 0.9, "right": 1.0})


def test_precision_and_recall_of_each_label_and_none_where_nothing_was_said_of_it() -> None:
    rows = {row["label"]: row for row in per_label(["a", "a", "b", "c"], ["a", "b", "b", "b"])}
    assert rows["a"] == {"label": "a", "n": 2, "precision": 1.0, "recall": 0.5}
    assert rows["b"] == {"label": "b", "n": 1, "precision": 0.3333, "recall": 1.0}
    assert rows["c"] == {"label": "c", "n": 1, "precision": None, "recall": 0.0}


def test_a_model_judged_by_nothing_has_an_empty_card() -> None:
    assert card(scored(), []) == {"reliability": [], "risk_coverage": [], "labels": []}


def test_whether_old_errors_come_back_is_on_the_card(letters: CaseType) -> None:
    teach(letters)
    for n in range(12):
        case = make.make_case(letters, payload={"text": f"please refund order {n}"}, requester=f"requester {n}")
        Correction.objects.create(
            case=case, case_type=letters, source="override", label_before="billing",
            after={"label": "refund"}, label_after="refund",
        )  # fmt: skip
    same = make.make_case(letters)
    Correction.objects.create(case=same, case_type=letters, source="override", label_before="refund",
                              after={"label": "refund", "amount": 3}, label_after="refund")  # fmt: skip
    assert len(corrected(letters)) == 12, "where only another field was wrong, the label was right"
    told = trained(letters).metrics["recurrence"]
    assert told["learnt"]["n"] + told["unseen"]["n"] == 12
    assert sum(side["wrong_before"] for side in told.values()) == 12, "there was no model before"
    assert sum(side["wrong_after"] for side in told.values()) == 0
    again = trained(letters).metrics["recurrence"]
    assert sum(side["wrong_before"] for side in again.values()) == 0


def test_of_a_frozen_dataset_one_side_is_learnt_and_the_other_judges(letters: CaseType) -> None:
    teach(letters)
    by = make.make_user("supervisor")
    dataset, _new = freeze(letters, name="letters", selection=Selection(mask=False), by=by, origin="test")
    LabelledExample.objects.all().delete()
    version = train(letters, actor="test", origin="test", dataset=dataset)
    sides = [dataset.items.filter(side=side).count() for side in (DatasetItem.Side.TRAIN, DatasetItem.Side.EVAL)]
    assert [version.trained_on["examples"], version.metrics["held_out"]] == sides
    assert version.trained_on["dataset"] == "letters@1"
    assert version.judged.read() == version.artifact.read()


def test_a_version_that_is_worse_is_put_to_work_by_nobody(letters: CaseType) -> None:
    teach(letters)
    trained(letters)
    LabelledExample.objects.all().delete()
    teach(letters, twist=True, per_label=130, source="twisted")
    worse = trained(letters)
    told = worse.metrics["comparison"]
    worse.metrics["comparison"] = {**told, "compared": True, "p_worse": 0.01}
    worse.save()
    with pytest.raises(Conflict, match="worse"):
        promoting.promote_by_hand(worse, by=make.make_user("supervisor"), reason="I like it", origin="test")


def test_who_had_it_trained_does_not_put_it_to_work_and_others_say_why(letters: CaseType) -> None:
    teach(letters)
    trained(letters)
    LabelledExample.objects.filter(pk__lt=0).delete()
    candidate = trained(letters)
    anna, bert = make.make_user("supervisor"), make.make_user("supervisor")
    Run.objects.create(kind="train", case_type=letters, model=candidate, started_by=anna.username, status="done")
    told = {"against": 1, "compared": True, "p_worse": 0.5}
    ModelVersion.objects.filter(pk=candidate.pk).update(status="refused", metrics={"comparison": told})
    candidate.refresh_from_db()
    with pytest.raises(Forbidden, match="somebody else"):
        promoting.promote_by_hand(candidate, by=anna, reason="it is mine", origin="test")
    with pytest.raises(Forbidden):
        promoting.promote_by_hand(candidate, by=make.make_user("reviewer"), reason="please", origin="test")
    with pytest.raises(Invalid):
        promoting.promote_by_hand(candidate, by=bert, reason=" ", origin="test")
    promoting.promote_by_hand(candidate, by=bert, reason="fewer errors on refunds", origin="test")
    assert ModelVersion.objects.get(status="active") == candidate
    assert promoting.roll_back_by_hand(letters, by=bert, origin="test").number == 1


def test_a_version_compared_with_an_earlier_one_is_judged_again_first(letters: CaseType) -> None:
    teach(letters)
    first, second = trained(letters), trained(letters)
    ModelVersion.objects.filter(pk=second.pk).update(
        metrics={"comparison": {"against": 7, "compared": True, "p_worse": 1}}
    )
    second.refresh_from_db()
    with pytest.raises(Conflict, match="judged again"):
        promoting.promote_by_hand(second, by=make.make_user("supervisor"), reason="now", origin="test")
    assert judge_again(second, actor="test", origin="test").against == first.number
    second.refresh_from_db()
    assert promoting.why_not(second, first) == ""


def test_a_version_is_judged_again_by_a_frozen_dataset_without_what_was_released_since(letters: CaseType) -> None:
    teach(letters)
    first, second = trained(letters), trained(letters)
    client, user = signed_in("supervisor")
    stays, released = sampled(letters, "the sample that stays"), sampled(letters, "the sample that is released")
    dataset, _new = freeze(letters, name="spring", selection=Selection(), by=user, origin="test")
    Sample.objects.filter(case=released).update(released_at=timezone.now())
    held_out = dataset.items.filter(side="eval").exclude(case=released).count()
    assert dataset.items.filter(case=stays, side="eval").exists()
    assert judge_again(second, actor="test", origin="test", dataset=dataset).against == first.number
    second.refresh_from_db()
    assert (second.metrics["dataset"], second.metrics["held_out"]) == ("spring 1", held_out)
    assert "spring 1</dd>" in client.get(page(second)).content.decode()
    client.post(page(second), {"verb": "evaluate", "dataset": str(dataset.pk)})
    assert Run.objects.get().dataset == dataset
    told = client.post(page(second), {"verb": "evaluate", "dataset": "x"}, follow=True)
    assert "Name the dataset" in told.content.decode()


def test_the_pages_show_the_card_the_comparison_and_the_runs(
    letters: CaseType, django_assert_max_num_queries: Any
) -> None:
    teach(letters)
    first, second = trained(letters), trained(letters)
    client, user = signed_in("supervisor")
    runs.start(Run.Kind.TRAIN, letters, by=user, origin="test")
    with django_assert_max_num_queries(25):
        html = client.get(reverse(LIST)).content.decode()
    assert "data-run=" in html
    with django_assert_max_num_queries(25):
        html = client.get(page(second)).content.decode()
    for text in (
        "Do old errors come back?",
        "Label by label",
        "Put to work" if second.status != "active" else "",
        "p = ",
    ):
        assert text in html
    compared = client.get(reverse("admin:feedback_modelversion_compare"), {"a": first.pk, "b": second.pk})
    assert "Calibration error" in compared.content.decode()
    assert client.get(reverse("admin:feedback_modelversion_compare"), {"a": str(first.pk), "b": "x"}).status_code == 404


def test_a_training_is_started_and_followed_from_the_page(letters: CaseType) -> None:
    client, _user = signed_in("supervisor")
    address = reverse("admin:feedback_modelversion_train")
    assert client.get(address).status_code == 200
    assert client.post(address, {"case_type": letters.key, "dataset": "99"}).status_code == 200
    assert not Run.objects.exists()
    assert client.post(address, {"case_type": letters.key}).status_code == 302
    run = Run.objects.get()
    told = client.get(reverse("admin:feedback_modelversion_runs", args=[run.pk])).json()
    assert told == {"status": "waiting", "progress": 0, "message": ""}


def test_rolling_back_is_one_click(letters: CaseType) -> None:
    teach(letters)
    first, second = trained(letters), trained(letters)
    ModelVersion.objects.filter(pk=first.pk).update(status="retired")
    ModelVersion.objects.filter(pk=second.pk).update(status="active")
    client, _user = signed_in("supervisor")
    client.post(page(second), {"verb": "roll_back"})
    assert ModelVersion.objects.get(status="active") == first


@pytest.mark.parametrize("role", ["reviewer", "auditor", "manager", "integration"])
def test_others_may_look_at_most(letters: CaseType, role: str) -> None:
    version = ModelVersion.objects.create(case_type=letters, number=1, sha256="")
    client: Client = signed_in(role)[0]
    assert client.get(reverse("admin:feedback_modelversion_train")).status_code in (302, 404)
    for verb in ("promote", "roll_back", "shadow", "replay", "evaluate"):
        client.post(page(version), {"verb": verb, "reason": "because"})
    version.refresh_from_db()
    assert (version.status, Run.objects.count()) == ("candidate", 0)
