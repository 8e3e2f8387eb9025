"""Validator mode on a running stack: a person approves before anything happens."""

from __future__ import annotations

import pytest

from tests.loop import running
from tests.stacks import RunningStack

pytestmark = pytest.mark.timeout(180)


def test_nothing_happens_until_a_person_has_approved_and_then_all_of_it(stack: RunningStack) -> None:
    with running(stack, "validator") as loop:
        case = loop.send(confidence=0.99)
        waiting = loop.wait(case, "in_review")
        assert waiting["reason"] == "validation"
        assert loop.heard(case) == []
        desk = loop.decide("reviewer", outcome="amend", output={"label": "billing"}, active_seconds=7)
        assert desk["prediction"]["label"] == "refund"
        decided, closed = loop.wait_heard(case, "case.decided", "case.closed")
        assert decided["data"]["decision"]["label"] == "billing"
        assert closed["data"]["case"]["id"] == case
        done = loop.wait(case, "closed")
        assert [row["outcome"] for row in done["decisions"]] == ["amend"]
        assert [row["status"] for row in done["effects"] if row["event"] == "case.decided"] == ["delivered"]
        figure = loop.wait_measured("override_rate", 1)
        assert figure["numerator"] == 1
