"""The demonstration texts: repeatable, varied, answered, and hard enough to be believed."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from hitl_project.demo import customers, people
from hitl_project.demo.generator import MAKERS, generate
from hitl_project.demo.grammar import TEXTS
from hitl_project.demo.refunds import Request, settle

ORGANISATION: dict[str, Any] = yaml.safe_load((TEXTS.parent / "organisation.yaml").read_text(encoding="utf-8"))
CASE_TYPES = {each["key"]: each for each in ORGANISATION["case_types"]}


@pytest.mark.parametrize("case_type", MAKERS)
def test_the_same_seed_gives_the_same_cases(case_type: str) -> None:
    assert generate(case_type, 40, 3) == generate(case_type, 40, 3)
    assert generate(case_type, 40, 3) != generate(case_type, 40, 4)


@pytest.mark.parametrize("case_type", MAKERS)
def test_hardly_any_case_repeats_another(case_type: str) -> None:
    cases = generate(case_type, 800, 1)
    assert len({str(case.payload) for case in cases}) > 790


@pytest.mark.parametrize("case_type", MAKERS)
def test_every_true_and_proposed_output_fits_the_output_schema(case_type: str) -> None:
    validator = Draft202012Validator(CASE_TYPES[case_type]["output_schema"])
    for case in generate(case_type, 500, 2):
        validator.validate(case.true_output)
        if case.proposal:
            validator.validate(case.proposal["output"])


@pytest.mark.parametrize("case_type", MAKERS)
def test_every_label_of_the_schema_comes_up(case_type: str) -> None:
    labels = Counter(case.true_output["label"] for case in generate(case_type, 1000, 5))
    assert set(labels) == set(CASE_TYPES[case_type]["output_schema"]["properties"]["label"]["enum"])
    assert min(labels.values()) >= 10


@pytest.mark.parametrize("case_type", MAKERS)
def test_no_variant_mark_is_left_in_a_text(case_type: str) -> None:
    stray = r"[{}|]|  \S| [.,?!]"
    for case in generate(case_type, 600, 6):
        given = {**case.payload, **case.true_output}
        given |= case.payload["mail"] if case_type == "receipt" else {}  # the till prints its text in columns
        words = " ".join(given[name] for name in ("subject", "title", "text", "draft") if name in given)
        assert not re.search(stray, words), words


def test_every_address_is_one_that_cannot_exist() -> None:
    emails = [each.email for each in customers.customers()] + [each.email for each in people.PEOPLE]
    assert all(email.endswith(".example") for email in emails)
    assert len(set(emails)) == len(emails)


def test_customers_come_back() -> None:
    counts = Counter(case.requester for case in generate("support-email", 1500, 1))
    assert sum(count >= 4 for count in counts.values()) > 100
    assert max(counts.values()) < 60


def test_some_mails_are_long_ambiguous_or_out_of_scope() -> None:
    shares = Counter(case.difficulty for case in generate("support-email", 1000, 9))
    assert shares["ambiguous"] > 90
    assert shares["long"] > 30
    assert shares["out_of_scope"] > 15
    assert any(">" in case.payload["text"] for case in generate("support-email", 100, 9))


@pytest.mark.parametrize(
    ("request_", "label", "amount"),
    [
        (Request("damaged", 80, 40), "approve", 80),
        (Request("defect", 80, 300), "approve", 80),
        (Request("defect", 80, 400), "deny", 0),
        (Request("changed_mind", 80, 30), "approve", 80),
        (Request("changed_mind", 80, 31), "deny", 0),
        (Request("used", 80, 10), "partial", 40),
        (Request("made_to_measure", 80, 2), "deny", 0),
        (Request("late", 80, 20), "partial", 6.90),
    ],
)
def test_refunds_are_settled_by_the_guidelines(request_: Request, label: str, amount: float) -> None:
    answer = settle(request_)
    assert (answer["label"], answer["amount"]) == (label, amount)


def test_a_model_learns_the_mails_but_not_all_of_them() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    cases = generate("support-email", 2000, 1)
    texts = [f"{case.payload['subject']}\n{case.payload['text']}" for case in cases]
    labels = [case.true_output["label"] for case in cases]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=200)
    )
    model.fit(texts[:1400], labels[:1400])
    assert 0.84 <= model.score(texts[1400:], labels[1400:]) <= 0.94


def test_every_role_has_someone_and_every_queue_has_readers() -> None:
    roles = {person.role for person in people.PEOPLE}
    assert roles == {"reviewer", "expert", "supervisor", "auditor", "manager", "integration", "administrator"}
    assert all(set(queue["groups"]) <= roles for queue in ORGANISATION["queues"])


def test_every_routing_rule_names_a_queue_that_exists() -> None:
    queues = {queue["key"] for queue in ORGANISATION["queues"]}
    for case_type in CASE_TYPES.values():
        rules = case_type["policy"]["routing"]
        assert {rule["queue"] for rule in rules} <= queues
        assert rules[-1].get("default")
