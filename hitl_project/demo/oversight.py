"""The demo's policies read from its configuration file, and what follows from them for one case. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import yaml

from cases.classifiers.base import Answer
from cases.conditions import evaluate, holds
from hitl_project.demo.cases import DemoCase, Output
from hitl_project.demo.grammar import TEXTS
from review.calendars import Hours, add_minutes, hours_of
from review.routing import LANES, Finding, PolicyView, QueueView, Route, RuleView, choose_route

FILE = TEXTS.parent / "organisation.yaml"


@cache
def organisation() -> dict[str, Any]:
    """The configuration file."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


@cache
def policy_of(case_type: str) -> dict[str, Any]:
    """The policy of one case type as the file has it."""
    found: dict[str, Any] = next(each["policy"] for each in organisation()["case_types"] if each["key"] == case_type)
    return found


@cache
def queues() -> dict[str, QueueView]:
    """The queues of the file, numbered in its order."""
    rows = enumerate(organisation()["queues"], start=1)
    return {row["key"]: QueueView(id=number, key=row["key"], kind=row["kind"]) for number, row in rows}


@cache
def groups_of(queue: str) -> frozenset[str]:
    """Who works in a queue."""
    return frozenset(next(row["groups"] for row in organisation()["queues"] if row["key"] == queue))


@cache
def view_of(case_type: str) -> PolicyView:
    """A policy as routing reads it."""
    policy = policy_of(case_type)
    rules = [
        RuleView(
            queue=queues()[rule["queue"]],
            reason=rule.get("reason", ""),
            when=rule.get("when", ()),
            default=rule.get("default", False),
        )
        for rule in policy["routing"]
    ]
    return PolicyView(
        mode=policy["mode"],
        threshold=policy["threshold"],
        thresholds=policy.get("thresholds", {}),
        rules=rules,
        fallback=rules[-1].queue,
        second_approval=policy.get("second_approval", ()),
        sample_rate=policy["sample_rate"],
    )


def route_of(case: DemoCase, answer: Answer, draw: float) -> Route:
    """The product's own choice of a route."""
    finding = Finding(
        label=answer.label,
        confidence=answer.confidence,
        failed=bool(answer.error),
        out_of_scope=answer.out_of_scope,
        suspicious=answer.suspicious,
        facts=facts(case, answer, answer.output),
    )
    return choose_route(view_of(case.case_type), finding, draw)


def facts(case: DemoCase, answer: Answer, output: Any) -> dict[str, Any]:
    """What conditions may ask about."""
    return {
        "output": output,
        "payload": case.payload,
        "context": case.context,
        "metadata": case.metadata,
        "confidence": answer.confidence,
        "label": answer.label,
        "priority": case.priority,
        "requester": case.requester,
    }


def lane(case_type: str, reason: str) -> str:
    """The queue of a reason's lane."""
    kind = LANES.get(reason, "general")
    named = [rule.queue.key for rule in view_of(case_type).rules if rule.queue.kind == kind]
    return named[0] if named else next(queue.key for queue in queues().values() if queue.kind == kind)


def due(case: DemoCase, since: datetime) -> datetime:
    """The SLA moment of a case that began to wait."""
    policy = policy_of(case.case_type)
    minutes: int = policy["sla_minutes"][case.priority]
    if "calendar" in policy:
        return add_minutes(hours_of_calendar(policy["calendar"]), since, minutes)
    return since + timedelta(minutes=minutes)


@cache
def hours_of_calendar(key: str) -> Hours:
    """The opening hours of one of the file's calendars."""
    found = next(row for row in organisation()["calendars"] if row["key"] == key)
    return hours_of(time_zone=found["time_zone"], hours=found["hours"], holidays=found["holidays"])


def grace(case_type: str) -> timedelta:
    """How long a decision may be undone before its effects leave."""
    return timedelta(seconds=policy_of(case_type).get("grace_seconds", 0))


def needs_second(case: DemoCase, output: Output | None) -> bool:
    """Whether a decision waits for a second approver."""
    rules = view_of(case.case_type).second_approval
    return bool(rules) and holds(evaluate(rules, facts(case, Answer(output=output), output)))
