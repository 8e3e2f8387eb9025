"""Which sums a verb may change, by the verbs themselves: after each of them the sums are those of a rebuild.

Between two verbs everything that has happened is moved into the past, so that a verb which changes an older sum without
saying so is found out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from cases.cancel import cancel_case
from cases.classify import classify_batch
from cases.deliver import deliver_batch
from cases.erase import erase
from cases.models import AuditEvent, Case, Prediction
from feedback import jobs
from feedback.models import Sample, SecondReadCursor
from metrics import rollup
from metrics.models import RollupCursor
from metrics.touched import ACTIONS
from review.models import Decision, ReviewTask
from review.route import route_batch
from tests.callers import Api
from tests.factories import make_case_type, make_queue, make_user
from tests.test_metrics_exactness import dump

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
LONG = timedelta(hours=3)
# A closing stays where it is: that a case was closed before it was reopened is told by the event alone.
MOMENTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Case, ("created_at", "routed_at")),
    (ReviewTask, ("opened_at", "claimed_at", "due_at", "closed_at")),
    (Decision, ("decided_at",)),
    (Sample, ("read_at",)),
    (Prediction, ("created_at",)),
)


@pytest.fixture(autouse=True)
def _all_by_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "KEPT", timedelta(days=20_000))
    RollupCursor.objects.create(pk=1, minutes_since=datetime(2026, 1, 1, tzinfo=UTC))
    SecondReadCursor.objects.create(pk=1, decision_id=0)


@pytest.fixture
def desk() -> dict[str, Api]:
    make_queue("desk")
    make_queue("quality", kind="quality", groups=("auditor",))
    make_queue("seniors", kind="supervisor", groups=("supervisor",))
    return {role: Api(make_user(role)) for role in ("integration", "reviewer", "auditor", "supervisor")}


def exact(what: str) -> None:
    """The sums are those of a rebuild; then time goes by."""
    rollup.roll_up()
    along_the_way = dump()
    rollup.rebuild()
    assert dump() == along_the_way, what
    for model, names in MOMENTS:
        model.objects.update(**{name: F(name) - LONG for name in names})
    rollup.rebuild()


def send(api: Api, kind: str, number: int, confidence: float) -> int:
    body = {
        "case_type": kind,
        "source": "test",
        "external_id": str(number),
        "requester": f"customer-{number}",
        "payload": {"text": "hello"},
        "prediction": {"output": {"label": "refund"}, "confidence": confidence, "model": "m", "model_version": "1"},
    }
    answer = api.post("/cases/", body)
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


def decide(api: Api, case_id: int, label: str) -> None:
    task = ReviewTask.objects.open().get(case=case_id)
    claimed = api.post(f"/tasks/{task.pk}/claim/")
    assert claimed.status_code == 200, claimed.content
    exact("task.claimed")
    shown = {name: claimed.json()[name] for name in ("lease_token", "digest")}
    if task.blind:
        first = api.post(f"/tasks/{task.pk}/first-answer/", {**shown, "output": {"label": label}})
        shown["digest"] = first.json().get("digest", shown["digest"]) if first.status_code == 200 else shown["digest"]
    body = {**shown, "outcome": "amend", "output": {"label": label}, "active_seconds": 12.5}
    answer = api.post(f"/tasks/{task.pk}/decide/", body)
    assert answer.status_code == 200, answer.content


def through() -> None:
    """As the jobs would, and a look after each."""
    for step in (classify_batch, route_batch, deliver_batch):
        while step():
            pass
        exact(step.__name__)


def test_every_verb_says_which_sums_it_changes(desk: dict[str, Api]) -> None:
    policy = {"threshold": 0.8, "second_read_rate": 1.0, "sample_rate": 0.0}
    kind = make_case_type("exception_handler", action={"backend": "log"}, policy=policy)
    sure, unsure, withdrawn = (
        send(desk["integration"], kind.key, number, confidence) for number, confidence in enumerate((0.95, 0.3, 0.2))
    )
    exact("case.received")
    through()
    assert Case.objects.get(pk=sure).state == "closed"
    decide(desk["reviewer"], unsure, "billing")
    exact("decision.made")
    through()
    cancel_case(Case.objects.get(pk=withdrawn), user=desk["integration"].user, reason="test", origin="test")
    exact("case.cancelled")
    wrong = {"correct": False, "output": {"label": "other"}, "source": "erp", "note": "came back"}
    assert desk["integration"].post(f"/cases/{sure}/outcome/", wrong).status_code == 201
    exact("outcome.reported")
    decide(desk["supervisor"], sure, "other")
    exact("decided again")
    through()
    jobs.read_again()
    exact("second_read.drawn")
    for case_id in ReviewTask.objects.open().filter(reason="second_read").values_list("case_id", flat=True):
        decide(desk["auditor"], case_id, "refund")
        exact("second_read.taken")
    for number in range(2):
        erase(f"customer-{number}", actor="test", origin="test")
        exact("case.erased")


def test_an_action_that_is_not_known_touches_everything_of_its_case(desk: dict[str, Api]) -> None:
    kind = make_case_type("exception_handler", action={"backend": "log"}, policy={"threshold": 0.8, "sample_rate": 0.0})
    case_id = send(desk["integration"], kind.key, 1, 0.95)
    through()
    Case.objects.filter(pk=case_id).update(source="elsewhere")
    assert "case.moved" not in ACTIONS
    AuditEvent.objects.create(action="case.moved", actor="test", origin="test", case_id=case_id)
    exact("case.moved")
