"""Teacher mode on a running stack: automatic, and a sample is read afterwards, blind."""

from __future__ import annotations

import pytest

from tests.loop import running
from tests.stacks import RunningStack

pytestmark = pytest.mark.timeout(180)


def test_a_sampled_case_acts_at_once_is_read_blind_and_counts_as_evidence(stack: RunningStack) -> None:
    with running(stack, "teacher", sample_rate=1.0) as loop:
        case = loop.send(confidence=0.3)
        loop.wait_heard(case, "case.decided", "case.closed")
        desk = loop.decide("auditor", outcome="amend", output={"label": "refund"})
        assert desk["prediction"] is None
        assert desk["case"]["label"] is None
        done = loop.wait(case, "closed")
        assert [row["decided_by"] for row in done["decisions"]] == ["policy"]
        figure = loop.wait_measured("automated_error", 1)
        assert figure["numerator"] == 0
