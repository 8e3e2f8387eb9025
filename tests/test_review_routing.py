"""The choice of a route as a pure function, and the coin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from review import coin
from review.routing import Finding, PolicyView, QueueView, Route, RuleView, choose_route

FRONT, EXPERTS, SENIORS = (
    QueueView(1, "front-desk", "general"),
    QueueView(2, "experts", "expert"),
    QueueView(3, "seniors", "supervisor"),
)
MODES = ["validator", "exception_handler", "teacher", "autonomous"]
DEFAULT = RuleView(queue=FRONT, default=True)
BIG = {"field": "output.amount", "op": "gt", "value": 500}


def policy(mode: str = "exception_handler", *rules: RuleView, **fields: Any) -> PolicyView:
    base = PolicyView(mode=mode, threshold=0.8, thresholds={}, rules=rules or (DEFAULT,), fallback=FRONT)
    return replace(base, **fields)


def finding(confidence: float = 0.9, *, label: str = "refund", **fields: Any) -> Finding:
    facts = {"output": {"label": label, "amount": fields.pop("amount", 10)}, "label": label, "confidence": confidence}
    base = Finding(label=label, confidence=confidence, failed=False, out_of_scope=False, suspicious=False, facts=facts)
    return replace(base, **fields)


def told(route: Route) -> tuple[str, str]:
    return route.reason, route.queue.key if route.queue else ""


def chosen(view: PolicyView, found: Finding) -> tuple[str, str]:
    return told(choose_route(view, found, 0.5))


@pytest.mark.parametrize(
    ("mode", "confidence", "reason"),
    [
        ("validator", 0.99, "validation"),
        ("validator", 0.1, "low_confidence"),
        ("exception_handler", 0.8, ""),
        ("exception_handler", 0.79, "low_confidence"),
        ("teacher", 0.1, ""),
        ("autonomous", 0.1, ""),
    ],
)
def test_each_mode_asks_a_person_when_it_should(mode: str, confidence: float, reason: str) -> None:
    assert chosen(policy(mode), finding(confidence))[0] == reason


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("trouble", "reason", "queue"),
    [
        ({"failed": True}, "classifier_error", "experts"),
        ({"out_of_scope": True}, "out_of_scope", "experts"),
        ({"suspicious": True}, "high_risk", "seniors"),
    ],
)
def test_trouble_goes_to_a_person_in_every_mode_and_in_its_lane(
    mode: str, trouble: dict[str, Any], reason: str, queue: str
) -> None:
    rules = (
        RuleView(queue=EXPERTS, reason="reported_error"),
        RuleView(queue=SENIORS, reason="reopened"),
        DEFAULT,
    )
    assert chosen(policy(mode, *rules), finding(1.0, **trouble)) == (reason, queue)


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), 1.7, -1.0])
def test_a_confidence_that_is_none_never_decides(confidence: float) -> None:
    assert chosen(policy(threshold=0.0), finding(confidence))[0] == "low_confidence"


def test_a_label_may_have_a_threshold_of_its_own() -> None:
    view = policy(thresholds={"refund": 0.97, "other": 0.2})
    assert chosen(view, finding(0.9, label="refund"))[0] == "low_confidence"
    assert chosen(view, finding(0.9, label="billing"))[0] == ""
    assert chosen(view, finding(0.3, label="other"))[0] == ""


def test_the_first_rule_that_holds_takes_the_case() -> None:
    risky = RuleView(queue=SENIORS, reason="high_risk", when=(BIG,))
    unsure = RuleView(queue=EXPERTS, reason="low_confidence")
    assert chosen(policy("exception_handler", risky, unsure, DEFAULT), finding(0.1, amount=900)) == (
        "high_risk",
        "seniors",
    )
    assert chosen(policy("exception_handler", unsure, risky, DEFAULT), finding(0.1, amount=900)) == (
        "low_confidence",
        "experts",
    )


def test_a_rule_with_conditions_is_itself_a_reason_whatever_the_mode_and_the_confidence() -> None:
    rule = RuleView(queue=SENIORS, when=(BIG,))
    for mode in MODES:
        assert chosen(policy(mode, rule, DEFAULT), finding(1.0, amount=501)) == ("high_risk", "seniors")
    assert chosen(policy("teacher", rule, DEFAULT), finding(1.0, amount=500)) == ("", "")


def test_a_rule_for_a_reason_that_does_not_hold_takes_nothing() -> None:
    rule = RuleView(queue=EXPERTS, reason="low_confidence")
    assert chosen(policy("exception_handler", rule, DEFAULT), finding(0.95)) == ("", "")


def test_a_need_that_no_rule_takes_still_ends_at_a_person() -> None:
    rule = RuleView(queue=SENIORS, reason="high_risk", when=(BIG,))
    assert chosen(policy("validator", rule), finding(0.9)) == ("validation", "front-desk")


def test_what_needs_a_second_approval_is_not_decided_by_policy() -> None:
    view = policy("teacher", second_approval=(BIG,))
    assert chosen(view, finding(0.9, amount=501))[0] == "high_risk"
    assert chosen(view, finding(0.9, amount=499))[0] == ""


def test_the_trace_tells_every_line_that_was_read_true_or_false() -> None:
    rules = (RuleView(queue=SENIORS, when=(BIG,)), RuleView(queue=EXPERTS, reason="low_confidence"), DEFAULT)
    trace = choose_route(policy("exception_handler", *rules), finding(0.5), 0.5).trace
    needs = {line["need"]: line["result"] for line in trace if "need" in line and line["need"] != "high_risk"}
    assert needs == {"classifier_error": False, "out_of_scope": False, "low_confidence": True, "validation": False}
    unsure = next(line for line in trace if line.get("need") == "low_confidence")
    assert (unsure["confidence"], unsure["threshold"]) == (0.5, 0.8)
    read = [(line["rule"], line["result"]) for line in trace if "rule" in line]
    assert read == [(1, False), (2, True)]
    [condition] = next(line for line in trace if line.get("rule") == 1)["conditions"]
    assert condition == {**BIG, "actual": 10, "result": False}


findings = st.builds(
    finding,
    st.floats(allow_nan=True, allow_infinity=True),
    label=st.sampled_from(["refund", "billing", ""]),
    amount=st.integers(0, 1000),
    failed=st.booleans(),
    out_of_scope=st.booleans(),
    suspicious=st.booleans(),
)
policies = st.builds(
    policy,
    st.sampled_from(MODES),
    threshold=st.floats(0, 1),
    sample_rate=st.floats(0, 1),
    second_approval=st.just((BIG,)),
)


@given(view=policies, first=findings, second=findings, draw=st.floats(0, 1, exclude_max=True))
def test_whether_a_case_is_sampled_does_not_depend_on_what_the_machine_said(
    view: PolicyView, first: Finding, second: Finding, draw: float
) -> None:
    assert (
        choose_route(view, first, draw).sampled == choose_route(view, second, draw).sampled == (draw < view.sample_rate)
    )


@given(view=policies, found=findings)
def test_nothing_is_decided_by_policy_that_failed_or_is_strange_or_unsure_where_that_counts(
    view: PolicyView, found: Finding
) -> None:
    route = choose_route(view, found, 0.5)
    troubled = found.failed or found.out_of_scope or found.suspicious or view.mode == "validator"
    unsure = view.mode == "exception_handler" and not view.threshold <= found.confidence <= 1
    risky = found.facts["output"]["amount"] > 500
    assert route.automatic == (not (troubled or unsure or risky))
    assert bool(route.reason) == (route.queue is not None)


def test_the_coin_is_uniform_over_20_000_cases() -> None:
    counts = [0] * 50
    for case_id in range(1, 20_001):
        counts[int(coin.draw(case_id) * 50)] += 1
    assert chisquare(counts).pvalue > 0.001


@given(st.integers(1, 2**62))
def test_the_coin_falls_the_same_whenever_it_is_asked_and_within_its_range(case_id: int) -> None:
    assert coin.draw(case_id) == coin.draw(case_id)
    assert 0 <= coin.draw(case_id) < 1


def test_another_salt_is_another_coin(settings: Any) -> None:
    before = [coin.draw(case_id) for case_id in range(1, 200)]
    settings.COIN_SALT = "another"
    after = [coin.draw(case_id) for case_id in range(1, 200)]
    assert not set(before) & set(after)


def test_a_classifier_that_failed_is_the_reason_even_where_a_rule_takes_the_unsure() -> None:
    unsure = RuleView(queue=EXPERTS, reason="low_confidence")
    assert chosen(policy("validator", unsure, DEFAULT), finding(0.0, failed=True)) == ("classifier_error", "experts")
