"""From a correction to the datasets that hold it and to the versions that learnt it; its page in the back office."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, CaseType
from cases.models.choices import State
from feedback import corrections
from feedback.datasets import Selection, freeze
from feedback.lineage import lineage_of, state_of
from feedback.models import Correction, Dataset, DatasetItem, ModelVersion, PromptVersion, Sample
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def overridden(case_type: CaseType | None = None, label: str = "billing", **case: Any) -> Correction:
    row = make_case(case_type or make_case_type(), state=State.CLOSED, **{"requester": "customer-2", **case})
    output = {"label": label, "amount": 12}
    prediction = make_prediction(row, output={"label": "refund", "amount": 10}, model="fast", model_version="7")
    decision = make_decision(
        row, by=make_user("reviewer"), task=make_task(row), prediction=prediction, output=output, label=label,
        override=True, note="<b>see</b> the guidelines",
    )  # fmt: skip
    return corrections.from_override(decision)


def frozen(correction: Correction, name: str = "spring", *, side: str = "train") -> Dataset:
    by = make_user("supervisor")
    dataset = freeze(correction.case_type, name=name, selection=Selection(), by=by, origin="test")[0]
    DatasetItem.objects.filter(dataset=dataset).update(side=side)
    Dataset.objects.filter(pk=dataset.pk).update(created_at=timezone.now() + timedelta(seconds=1))
    return dataset


def trained(correction: Correction, number: int = 1, **trained_on: Any) -> ModelVersion:
    later = timezone.now() + timedelta(seconds=2)
    return ModelVersion.objects.create(
        case_type=correction.case_type, number=number, trained_on=trained_on, created_at=later
    )


def page(correction: Correction, role: str = "supervisor") -> Any:
    client = Client()
    client.force_login(make_user(role, is_staff=True))
    return client.get(reverse("admin:feedback_correction_change", args=[correction.pk]))


def test_a_correction_leads_to_the_datasets_and_to_the_versions_that_were_made_from_them() -> None:
    correction = overridden()
    dataset = frozen(correction)
    model = trained(correction, dataset="spring@1", dataset_sha256=dataset.sha256)
    prompt = PromptVersion.objects.create(case_type=correction.case_type, number=1, dataset=dataset)
    found = lineage_of(correction)
    assert [held.dataset for held in found.datasets] == [dataset]
    assert [(row.version, row.dataset) for row in (*found.models, *found.prompts)] == [
        (model, dataset),
        (prompt, dataset),
    ]


def test_a_model_from_all_that_was_said_learnt_it_and_one_from_another_dataset_did_not() -> None:
    earlier = trained(overridden(make_case_type()), examples=5)
    correction = overridden()
    whole = trained(correction, 2, examples=5)
    trained(correction, 3, dataset="other@1", dataset_sha256="f" * 64)
    assert [row.version for row in lineage_of(correction).models] == [whole]
    assert earlier != whole


def test_what_only_judges_is_learnt_by_nobody() -> None:
    correction = overridden()
    dataset = frozen(correction, side="eval")
    trained(correction, dataset="spring@1", dataset_sha256=dataset.sha256)
    assert lineage_of(correction).models == []


def test_a_dataset_frozen_before_the_correction_does_not_hold_it() -> None:
    correction = overridden()
    frozen(correction)
    Dataset.objects.update(created_at=timezone.now() - timedelta(days=3))
    assert lineage_of(correction).datasets == []


def test_it_tells_whether_the_correction_still_stands() -> None:
    stands, overtaken, opened, serving = (overridden() for _number in range(4))
    silent = overridden()
    Correction.objects.filter(pk=silent.pk).update(after=None)
    Case.objects.filter(pk__in=[overtaken.case_id, opened.case_id]).update(version=2)
    overtaken.case.refresh_from_db()
    make_decision(overtaken.case, by=make_user(), task=make_task(overtaken.case))
    make_task(opened.case, reason="reopened")
    answer = {"label": "billing"}
    Sample.objects.create(
        case=serving.case, probability=1, automated=False, first_answer=answer, final_answer=answer, correct=True,
        read_by=make_user(),
    )  # fmt: skip
    silent.refresh_from_db()
    assert [state_of(row) for row in (stands, overtaken, opened, serving, silent)] == [
        "stands", "overtaken", "open", "serving", "no_answer",
    ]  # fmt: skip


def test_the_page_shows_both_answers_field_by_field_with_who_why_and_by_what_model() -> None:
    correction = overridden()
    dataset = frozen(correction)
    trained(correction, dataset="spring@1", dataset_sha256=dataset.sha256)
    prompt = PromptVersion.objects.create(case_type=correction.case_type, number=1, dataset=dataset)
    text = page(correction).content.decode()
    assert reverse("admin:feedback_promptversion_change", args=[prompt.pk]) in text
    for part in ("amount", "refund", "billing", "fast 7", "&lt;b&gt;see&lt;/b&gt;", "spring 1", "not enough data"):
        assert part in text
    assert "<b>see" not in text


def test_the_page_takes_as_many_queries_however_much_there_is(django_assert_max_num_queries: Any) -> None:
    case_type = make_case_type()
    correction = overridden(case_type)
    for number in range(5):
        overridden(case_type)
        dataset = frozen(correction, f"d{number}")
        trained(correction, number + 1, dataset_sha256=dataset.sha256)
    client = Client()
    client.force_login(make_user("supervisor", is_staff=True))
    with django_assert_max_num_queries(40):
        client.get(reverse("admin:feedback_correction_change", args=[correction.pk]))


def test_the_list_names_the_fields_that_changed_and_leads_to_the_page() -> None:
    correction = overridden()
    client = Client()
    client.force_login(make_user("supervisor", is_staff=True))
    text = client.get(reverse("admin:feedback_correction_changelist")).content.decode()
    assert "label, amount" in text
    assert reverse("admin:feedback_correction_change", args=[correction.pk]) in text


def test_nobody_sees_a_correction_of_a_case_that_is_read_blind_or_without_the_permission() -> None:
    correction = overridden()
    assert page(correction, "reviewer").status_code == 404
    make_task(correction.case, reason="second_read", blind=True)
    assert page(correction).status_code == 404
    assert page(correction, "auditor").status_code == 404
