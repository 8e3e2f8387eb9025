"""Why a case came to a person, and what has happened to it, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.audit import journal
from review.desk.past import past_of
from review.desk.screen import read_task
from review.desk.why import lines_of
from review.models import ReviewTask
from tests import factories as make


def test_only_what_held_says_because() -> None:
    trace = [
        {"need": "high_risk", "result": False, "because": "the text reads like instructions to the model"},
        {"need": "high_risk", "result": False, "conditions": []},
        {"need": "low_confidence", "result": True, "confidence": 0.62, "threshold": 0.8},
    ]
    assert [(line.text, line.holds) for line in lines_of(trace)] == [
        ("Nothing marks the text or the answer as risky.", False),
        ("The confidence of 62 % is below the threshold of 80 %.", True),
    ]


def test_a_condition_tells_what_it_met() -> None:
    conditions = [
        {"field": "output.amount", "op": "gt", "value": 500, "actual": 612, "result": True},
        {"field": "payload.country", "op": "exists", "value": None, "actual": None, "result": False},
    ]
    trace = [{"rule": 2, "result": True, "reason": "high_risk", "queue": "supervisors", "conditions": conditions}]
    (line,) = lines_of(trace)
    assert line.text == "Routing rule 2 sends it to “supervisors”: high risk."
    assert [part.text for part in line.parts] == [
        "output.amount is more than 500 (it is: 612)",
        "payload.country is there  (it is: missing)",
    ]


@pytest.mark.parametrize("trace", [None, {}, "x", [None, 7, {}], [{"need": "unheard of"}, {"rule": None}]])
def test_a_trace_from_elsewhere_never_breaks_the_page(trace: Any) -> None:
    assert all(isinstance(line.text, str) for line in lines_of(trace))


def log(case_id: int, action: str, **data: Any) -> None:
    with journal(actor="pipeline", origin="worker") as entries:
        entries(action, case_id=case_id, data=data)


@pytest.mark.django_db
@pytest.mark.postgres_too
def test_the_timeline_tells_what_happened_in_order_and_in_words() -> None:
    user = make.make_user("reviewer")
    task = make.make_task(claimed_by=user)
    for action, data in (
        ("case.received", {}),
        ("sample.taken", {"label": "refund"}),
        ("case.classified", {"label": "refund"}),
        ("task.opened", {"reason": "low_confidence", "queue": "experts"}),
        ("case.something_new", {}),
    ):
        log(task.case_id, action, **data)
    events = past_of(user, read_task(user, task.pk), concealed=False).timeline
    assert [(event.text, event.detail) for event in events] == [
        ("came in", ""),
        ("was answered by the machine", "“refund”"),
        ("was put into a queue", "low confidence, queue experts"),
        ("case something new", ""),
    ]
    assert {event.actor for event in events} == {"the pipeline"}


@pytest.mark.django_db
def test_to_a_blind_reader_the_timeline_tells_nothing_of_the_answer() -> None:
    user = make.make_user("reviewer")
    task = make.make_task(claimed_by=user, blind=True)
    log(task.case_id, "case.classified", label="secret-label", reason="low_confidence")
    events = past_of(user, read_task(user, task.pk), concealed=True).timeline
    assert [event.detail for event in events] == [""]


@pytest.mark.django_db
@pytest.mark.postgres_too
def test_the_past_is_bounded_and_tells_the_newest() -> None:
    user = make.make_user("reviewer")
    case_type = make.make_case_type()
    earlier = [make.make_case(case_type, requester="ann", label=f"label-{number}") for number in range(7)]
    hidden = make.make_task(earlier[-1], blind=True)
    task = make.make_task(make.make_case(case_type, requester="ann"), claimed_by=user)
    for _number in range(60):
        log(task.case_id, "task.claimed")
    past = past_of(user, read_task(user, task.pk), concealed=False)
    assert [row.label for row in past.cases] == ["", "label-5", "label-4", "label-3", "label-2"]
    assert past.cases[0].id == hidden.case_id
    assert len(past.timeline) == 40


@pytest.mark.django_db
@pytest.mark.postgres_too
def test_every_moment_of_the_past_knows_its_zone() -> None:
    user, case_type = make.make_user("reviewer"), make.make_case_type()
    make.make_case(case_type, requester="ann")
    case = make.make_case(case_type, requester="ann")
    make.make_task(case, closed_at=timezone.now(), ending=ReviewTask.Ending.HANDED_OVER)
    task = make.make_task(case, claimed_by=user)
    log(case.pk, "task.claimed")
    past = past_of(user, read_task(user, task.pk), concealed=False)
    moments = [row.created_at for row in past.cases] + [row.opened_at for row in past.stays]
    moments += [event.at for event in past.timeline]
    assert len(moments) == 3
    assert all(
        moment.utcoffset() is not None and abs(timezone.now() - moment) < timedelta(hours=1) for moment in moments
    )


def test_an_urgent_case_on_the_fast_track_says_so() -> None:
    row = {"rule": 3, "result": True, "reason": "validation", "queue": "fast-track", "urgent": True, "conditions": []}
    (line,) = lines_of([row])
    assert line.text.startswith("It is urgent, so routing rule 3 sends it on the fast track “fast-track”")
