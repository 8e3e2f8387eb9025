"""Autonomous mode on a running stack: no person, and everything on record all the same."""

from __future__ import annotations

import pytest

from tests.loop import running
from tests.stacks import RunningStack

pytestmark = pytest.mark.timeout(180)


def test_a_case_goes_through_without_a_person_and_is_counted(stack: RunningStack) -> None:
    with running(stack, "autonomous") as loop:
        case = loop.send(confidence=0.2)
        decided, _closed = loop.wait_heard(case, "case.decided", "case.closed")
        assert decided["data"]["decision"]["by"] == "policy"
        done = loop.wait(case, "closed")
        assert done["tasks"] == []
        events = loop.get("supervisor", f"cases/{case}/events/")["results"]
        actions = [event["action"] for event in events if event["action"].startswith("case.")]
        assert actions[-3:] == ["case.classified", "case.decided", "case.closed"]
        figure = loop.wait_measured("escalation_rate", 1)
        assert figure["numerator"] == 0
