"""Exception handler mode on a running stack: automatic above the threshold, a person below it."""

from __future__ import annotations

import pytest

from tests.loop import running
from tests.stacks import RunningStack

pytestmark = pytest.mark.timeout(180)


def test_the_sure_case_acts_at_once_and_the_unsure_one_waits_for_a_person(stack: RunningStack) -> None:
    with running(stack, "exception_handler") as loop:
        sure, unsure = loop.send(confidence=0.95), loop.send(confidence=0.4)
        decided, _closed = loop.wait_heard(sure, "case.decided", "case.closed")
        assert decided["data"]["decision"]["by"] == "policy"
        assert loop.wait(unsure, "in_review")["reason"] == "low_confidence"
        assert loop.heard(unsure) == []
        loop.decide("reviewer", outcome="approve")
        told, _closed = loop.wait_heard(unsure, "case.decided", "case.closed")
        assert told["data"]["decision"]["by"] == "loop-exception_handler-reviewer".replace("_", "-")
        loop.wait(unsure, "closed")
        figure = loop.wait_measured("escalation_rate", 2)
        assert figure["numerator"] == 1
