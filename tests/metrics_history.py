"""A small past, written row by row, so that every measure of it can be computed on paper."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from cases.audit import journal
from cases.models import Case, CaseType, Prediction
from cases.models.choices import Reason, State
from feedback.models import OutcomeReport, Sample, SecondRead
from review.models import Decision, Policy, Queue, ReviewTask

MINUTE = timedelta(minutes=1)
SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"enum": ["refund", "billing"]}}}
_numbers = itertools.count(1)


class History:
    """Writes cases of one type that are already decided, with the audit events a verb would have written."""

    def __init__(
        self, key: str = "support-email", *, mode: str = Policy.Mode.EXCEPTION_HANDLER, rate: float = 0.5
    ) -> None:
        self.case_type = CaseType.objects.create(key=key, name=key, output_schema=SCHEMA, impact=["internal"])
        self.policy = Policy.objects.create(
            case_type=self.case_type, number=1, status="active", mode=mode, sample_rate=rate, promise={"error": 0.05}
        )
        self.queue, _made = Queue.objects.get_or_create(key="desk", defaults={"name": "Front desk"})
        self.person, _made = User.objects.get_or_create(username="rita")
        self.rate = rate

    def case(self, at: datetime, **fields: Any) -> Case:
        made = Case.objects.create(
            case_type=self.case_type,
            source="test",
            external_id=str(next(_numbers)),
            payload={"text": "hello"},
            content_digest="0",
            created_at=at,
            sample_probability=self.rate,
            **fields,
        )
        self.note(made, "case.received", at)
        return made

    def automated(self, at: datetime, *, closed: datetime | None = None) -> Decision:
        """A case that policy decided one minute after it came, closed a minute later."""
        done = closed or at + 2 * MINUTE
        case = self.case(at, state=State.CLOSED, routed_at=at + MINUTE, decided_at=at + MINUTE, closed_at=done)
        said = self.prediction(case)
        made = Decision.objects.create(
            case=case, case_version=1, policy=self.policy, prediction=said, outcome="approve", decided_at=at + MINUTE
        )
        self.note(case, "case.decided", at + MINUTE)
        self.note(case, "case.closed", done)
        return made

    def prediction(self, case: Case) -> Prediction:
        said = {"output": {"label": "refund"}, "label": "refund", "confidence": 0.5, "created_at": case.created_at}
        made = Prediction.objects.create(case=case, **said)
        self.note(case, "case.classified", case.created_at)
        return made

    def waiting(
        self, at: datetime, *, due: timedelta, reason: str = Reason.LOW_CONFIDENCE, blind: bool = False
    ) -> ReviewTask:
        """A case that went to a person one minute after it came and has not been decided."""
        case = self.case(at, state=State.IN_REVIEW, routed_at=at + MINUTE, reason=reason)
        self.prediction(case)
        made = ReviewTask.objects.create(
            case=case,
            case_type=case.case_type,
            queue=self.queue,
            policy=self.policy,
            reason=reason,
            blind=blind,
            opened_at=at + MINUTE,
            due_at=at + MINUTE + due,
        )
        self.note(case, "case.in_review", at + MINUTE)
        return made

    def decide(
        self, task: ReviewTask, at: datetime, *, seconds: float, waited: timedelta, override: bool = False
    ) -> Decision:
        """A person decides the task and the case closes at once."""
        ReviewTask.objects.filter(pk=task.pk).update(closed_at=at, claimed_at=task.opened_at + waited, ending="decided")
        Case.objects.filter(pk=task.case_id).update(state=State.CLOSED, decided_at=at, closed_at=at)
        made = Decision.objects.create(
            case=task.case,
            case_version=1,
            task=task,
            policy=self.policy,
            prediction=task.case.predictions.get(),
            outcome="amend" if override else "approve",
            override=override,
            shown=not task.blind,
            active_seconds=seconds,
            decided_by=self.person,
            decided_at=at,
        )
        self.note(task.case, "decision.made", at)
        self.note(task.case, "case.closed", at)
        return made

    def read(self, decision: Decision, at: datetime, *, correct: bool, seconds: float = 30) -> Sample:
        made = Sample.objects.create(
            case=decision.case,
            decision=decision,
            probability=self.rate,
            automated=decision.task_id is None,
            first_answer={"label": "refund"},
            final_answer={"label": "refund"},
            correct=correct,
            read_by=self.person,
            active_seconds=seconds,
            read_at=at,
        )
        self.note(decision.case, "sample.read", at)
        return made

    def report(self, decision: Decision, at: datetime, *, correct: bool) -> OutcomeReport:
        made = OutcomeReport.objects.create(
            case=decision.case, decision=decision, correct=correct, source="crm", reported_by=None, reported_at=at
        )
        self.note(decision.case, "outcome.reported", at)
        return made

    def read_again(self, decision: Decision, at: datetime, *, verdict: str = "", chance: float = 0.5) -> SecondRead:
        """A settled second read: both agree, or the verdict of a third person."""
        made = SecondRead.objects.create(
            decision=decision,
            case_type=self.case_type,
            probability=chance,
            reader=self.person,
            output=decision.output,
            agrees=not verdict,
            verdict=verdict,
            read_at=at,
            settled_at=at,
        )
        self.note(decision.case, "second_read.taken", at)
        return made

    def note(self, case: Case, action: str, at: datetime) -> None:
        with journal(actor="test", origin="test", at=at) as log:
            log(action, case_id=case.pk)
