"""The choice itself: decide now, or which queue. Pure functions on plain data; nothing here touches a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cases import conditions
from cases.models.choices import Reason

# Not understood goes to those who know; understood but risky goes to those who answer for it.
LANES: dict[str, str] = {
    Reason.CLASSIFIER_ERROR: "expert",
    Reason.OUT_OF_SCOPE: "expert",
    Reason.LOW_CONFIDENCE: "expert",
    Reason.HIGH_RISK: "supervisor",
    Reason.SECOND_APPROVAL: "supervisor",
    Reason.SAMPLE: "quality",
}
FAST_TRACK = "fast_track"
ALWAYS_A_PERSON = frozenset({"validator"})
GUARDED_BY_CONFIDENCE = frozenset({"validator", "exception_handler"})
SUSPICION = {"because": "the text reads like instructions to the model"}


@dataclass(frozen=True, slots=True)
class QueueView:
    id: int
    key: str
    kind: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """One line of the routing; ``default`` catches what no other line did."""

    queue: QueueView
    reason: str = ""
    when: Sequence[Mapping[str, Any]] = ()
    default: bool = False


@dataclass(frozen=True, slots=True)
class PolicyView:
    """What the choice depends on."""

    mode: str
    threshold: float
    thresholds: Mapping[str, float]
    rules: Sequence[RuleView]
    fallback: QueueView
    second_approval: Sequence[Mapping[str, Any]] = ()
    sample_rate: float = 0.0
    fast_tracks: Sequence[QueueView] = ()  # of the installation, beside those that the rules name

    def threshold_for(self, label: str) -> float:
        return self.thresholds.get(label, self.threshold)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the classifier said, and the facts that conditions may ask for (see `cases.conditions.ROOTS`)."""

    label: str
    confidence: float
    failed: bool
    out_of_scope: bool
    suspicious: bool
    facts: Mapping[str, Any]

    @property
    def urgent(self) -> bool:
        return self.facts.get("priority") == "urgent"


@dataclass(frozen=True, slots=True)
class Route:
    """``reason`` and ``queue`` are set exactly when a person is needed. The trace tells each line that was read."""

    reason: str = ""
    queue: QueueView | None = None
    sampled: bool = False
    trace: list[dict[str, Any]] = field(default_factory=list)

    @property
    def automatic(self) -> bool:
        return self.queue is None


def choose_route(policy: PolicyView, finding: Finding, draw: float) -> Route:
    """Decide now, or which queue and why. ``draw`` is the coin, uniform in [0, 1), the same whatever the model said.

    A rule with conditions or a reason says where a case goes, urgent or not. What only the default catches goes on the
    fast track when it is urgent and there is one; a risk stays with those who answer for it.
    """
    trace: list[dict[str, Any]] = []
    needs = _needs(policy, finding, trace)
    chosen = _first_rule(policy, finding, needs, trace)
    sampled = draw < policy.sample_rate
    if chosen is None and needs:
        chosen = (needs[0], _lane(policy, needs[0], urgent=finding.urgent))
    if chosen is None:
        return Route(sampled=sampled, trace=trace)
    return Route(reason=chosen[0], queue=chosen[1], sampled=sampled, trace=trace)


def _needs(policy: PolicyView, finding: Finding, trace: list[dict[str, Any]]) -> list[str]:
    """The reasons for a person that hold before any rule is read, the most telling first."""
    threshold = policy.threshold_for(finding.label)
    sure = threshold <= finding.confidence <= 1  # false for NaN too
    unsure = policy.mode in GUARDED_BY_CONFIDENCE and not sure and not finding.failed  # no answer is no unsure answer
    risky = conditions.evaluate(policy.second_approval, finding.facts) if policy.second_approval else []
    tests: list[tuple[str, bool, dict[str, Any]]] = [
        (Reason.CLASSIFIER_ERROR, finding.failed, {}),
        (Reason.OUT_OF_SCOPE, finding.out_of_scope, {}),
        (Reason.HIGH_RISK, finding.suspicious, SUSPICION if finding.suspicious else {}),
        (Reason.HIGH_RISK, bool(risky) and conditions.holds(risky), {"conditions": risky}),
        (Reason.LOW_CONFIDENCE, unsure, {"confidence": finding.confidence, "threshold": threshold}),
        (Reason.VALIDATION, policy.mode in ALWAYS_A_PERSON, {"mode": policy.mode}),
    ]
    for reason, result, detail in tests:
        trace.append({"need": str(reason.value if isinstance(reason, Reason) else reason), "result": result, **detail})
    return [str(reason) for reason, result, _ in tests if result]


def _first_rule(
    policy: PolicyView, finding: Finding, needs: Sequence[str], trace: list[dict[str, Any]]
) -> tuple[str, QueueView] | None:
    for number, rule in enumerate(policy.rules, start=1):
        rows = conditions.evaluate(rule.when, finding.facts)
        reason = _reason_of(rule, needs, conditions_hold=conditions.holds(rows))
        caught = bool(reason) and rule.default
        queue = _lane(policy, reason, rule, urgent=finding.urgent) if caught else rule.queue
        row = {"rule": number, "result": bool(reason), "reason": reason, "queue": queue.key, "conditions": rows}
        trace.append(row | ({"urgent": True} if caught and finding.urgent and queue.kind == FAST_TRACK else {}))
        if reason:
            return reason, queue
    return None


def _reason_of(rule: RuleView, needs: Sequence[str], *, conditions_hold: bool) -> str:
    """Why this line takes the case, or nothing. A line with conditions is itself a reason for a person."""
    if rule.when:
        return (rule.reason or str(Reason.HIGH_RISK)) if conditions_hold else ""
    if rule.default:
        return needs[0] if needs else ""
    return rule.reason if rule.reason in needs else ""


def _lane(policy: PolicyView, reason: str, rule: RuleView | None = None, *, urgent: bool = False) -> QueueView:
    """The queue of the reason's lane among those the policy names, else the rule's own, else the fallback."""
    named = [line.queue for line in policy.rules]
    if urgent and reason != Reason.HIGH_RISK:
        fast = [queue for queue in (*named, *policy.fast_tracks) if queue.kind == FAST_TRACK]
        if fast:
            return fast[0]
    fitting = [queue for queue in named if queue.kind == LANES.get(reason)]
    return fitting[0] if fitting else rule.queue if rule else policy.fallback
