"""classified → in_review or decided: a batch of cases is routed by the policy in force for their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from cases import bells, bulk, outbox
from cases.audit import Journal, journal
from cases.models import Case, Prediction
from cases.models.choices import Priority, Reason, State
from cases.outbox import Happening
from cases.transitions import move
from review import coin, duty
from review.models import Decision, Policy, Queue, ReviewTask
from review.policies import front_desk, in_force
from review.routing import LANES, Finding, PolicyView, QueueView, Route, RuleView, choose_route
from review.tasks import due_at, language_of, sample_due


@dataclass(frozen=True, slots=True)
class Routed:
    """A case with all that its routing was made of."""

    case: Case
    prediction: Prediction
    policy: Policy
    route: Route

    @property
    def due(self) -> datetime:
        return due_at(self.policy, priority=self.case.priority, since=self.case.created_at)


def route_batch() -> bool:
    """Route one batch. Returns whether more may be waiting."""
    with journal(actor="pipeline", origin="worker") as log:
        standing = Case.objects.standing_in(State.CLASSIFIED).prefetch_related("case_type")
        cases = list(standing.select_for_update(skip_locked=True, of=("self",))[: settings.PIPELINE_BATCH])
        if len(cases) == settings.PIPELINE_BATCH:
            bells.ring(State.CLASSIFIED)
        routed = _choose(cases)
        _to_people([item for item in routed if not item.route.automatic], log=log)
        _by_policy([item for item in routed if item.route.automatic], log=log)
    return bool(cases)


def _choose(cases: Sequence[Case]) -> list[Routed]:
    unread = ("evidence", "alternatives", "rationale", "tokens")
    rows = Prediction.objects.filter(case__in=[case.pk for case in cases]).defer(*unread).order_by("id")
    nothing = {case.pk: Prediction(case=case, error="there is no prediction") for case in cases}
    newest = nothing | {row.case_id: row for row in rows}
    policies = in_force({case.case_type_id: case.case_type for case in cases}.values())
    fast = fast_tracks() if any(case.priority == Priority.URGENT for case in cases) else []
    views = {type_id: view_of(policy, fast=fast) for type_id, policy in policies.items()}
    return [
        Routed(
            case=case,
            prediction=newest[case.pk],
            policy=policies[case.case_type_id],
            route=choose_route(views[case.case_type_id], finding_of(case, newest[case.pk]), coin.draw(case.pk)),
        )
        for case in cases
    ]


def fast_tracks() -> list[Queue]:
    return list(Queue.objects.filter(kind=Queue.Kind.FAST_TRACK).order_by("id")[:1])


def view_of(policy: Policy, *, fast: Sequence[Queue] | None = None) -> PolicyView:
    """The part of a policy that the choice depends on. Its rules and their queues should be prefetched.

    ``fast`` are the fast tracks of the installation, read here where they are not given.
    """
    rules = [
        RuleView(queue=_queue_view(rule.queue), reason=rule.reason, when=rule.when, default=rule.default)
        for rule in policy.rules.all()
    ]
    return PolicyView(
        mode=policy.mode,
        threshold=policy.threshold,
        thresholds=policy.thresholds,
        rules=rules,
        fallback=rules[-1].queue if rules else _queue_view(front_desk()),
        second_approval=policy.second_approval,
        sample_rate=policy.sample_rate,
        fast_tracks=[_queue_view(queue) for queue in (fast_tracks() if fast is None else fast)],
    )


def _queue_view(queue: Queue) -> QueueView:
    return QueueView(id=queue.pk, key=queue.key, kind=queue.kind)


def finding_of(case: Case, prediction: Prediction) -> Finding:
    return Finding(
        label=prediction.label,
        confidence=prediction.confidence,
        failed=bool(prediction.error),
        out_of_scope=prediction.out_of_scope,
        suspicious=prediction.suspicious,
        facts=facts_of(case, output=prediction.output, label=prediction.label, confidence=prediction.confidence),
    )


def facts_of(case: Case, *, output: Mapping[str, Any] | None, label: str, confidence: float | None) -> dict[str, Any]:
    """What conditions may ask about."""
    return {
        "output": output,
        "payload": case.payload,
        "context": case.context,
        "metadata": case.metadata,
        "confidence": confidence,
        "label": label,
        "priority": case.priority_name,
        "requester": case.requester,
    }


def _row(item: Routed) -> dict[str, Any]:
    return {
        "reason": item.route.reason,
        "due_at": None if item.route.automatic else item.due,
        "sampled": item.route.sampled,
        "sample_probability": item.policy.sample_rate,
    }


def _audited(item: Routed) -> dict[str, Any]:
    queue = item.route.queue
    return {"policy": item.policy.number, "reason": item.route.reason, "queue": queue.key if queue else ""}


def _to_people(routed: Sequence[Routed], *, log: Journal) -> None:
    items = {item.case.pk: item for item in routed}
    rows = {pk: _row(item) for pk, item in items.items()}
    data = {pk: _audited(item) for pk, item in items.items()}
    won = move(rows, source=State.CLASSIFIED, target=State.IN_REVIEW, log=log, data=data)
    tasks = [_task(items[pk], queue) for pk in won if (queue := items[pk].route.queue)]
    ids = dict(bulk.create(tasks, returning=("case_id", "id")))
    urgent = [task for task in tasks if task.priority == Priority.URGENT]
    for task in urgent:
        task.pk = ids[task.case_id]
    duty.tell_urgent(urgent, log=log)


def _task(item: Routed, queue: QueueView) -> ReviewTask:
    return ReviewTask(
        case=item.case,
        case_type_id=item.case.case_type_id,
        language=language_of(item.case),
        label=item.prediction.label,
        queue_id=queue.id,
        policy=item.policy,
        reason=item.route.reason,
        trace=item.route.trace,
        blind=item.route.sampled,
        priority=item.case.priority,
        due_at=item.due,
    )


def _by_policy(routed: Sequence[Routed], *, log: Journal) -> None:
    items = {item.case.pk: item for item in routed}
    rows = {pk: _row(item) for pk, item in items.items()}
    data = {pk: _audited(item) for pk, item in items.items()}
    won = [items[pk] for pk in move(rows, source=State.CLASSIFIED, target=State.DECIDED, log=log, data=data)]
    decisions = _written([_decision(item) for item in won])
    happenings = [
        Happening(case=item.case, event="case.decided", data=told_of(made), grace_seconds=item.policy.grace_seconds)
        for item, made in zip(won, decisions, strict=True)
    ]
    outbox.announce(happenings, log=log)
    sampled = [item for item in won if item.route.sampled]
    queues = {policy.pk: quality_queue(policy) for policy in {item.policy for item in sampled}}
    now = timezone.now()
    bulk.create(
        [
            _sample(item, queues[item.policy.pk], due=sample_due(item.policy, item.case, since=now, rank=rank))
            for rank, item in enumerate(sampled)
        ]
    )


def _written(decisions: list[Decision]) -> list[Decision]:
    ids = dict(bulk.create(decisions, returning=("case_id", "id")))
    for decision in decisions:
        decision.pk = ids[decision.case_id]
    return decisions


def _decision(item: Routed) -> Decision:
    return Decision(
        case=item.case,
        case_version=item.case.version,
        policy=item.policy,
        prediction=item.prediction,
        outcome=Decision.Outcome.APPROVE,
        output=item.prediction.output,
        label=item.prediction.label,
        shown=False,
    )


def told_of(decision: Decision) -> dict[str, Any]:
    """What a receiver is told of a decision."""
    by = decision.decided_by.get_username() if decision.decided_by else "policy"
    content = {"outcome": decision.outcome, "output": decision.output, "label": decision.label, "by": by}
    return {"decision": {"id": decision.pk, "policy": decision.policy.number, **content}}


def _sample(item: Routed, queue: Queue, *, due: datetime) -> ReviewTask:
    """An automated case of the coin: it has acted, and is read afterwards, blind."""
    return ReviewTask(
        case=item.case,
        case_type_id=item.case.case_type_id,
        language=language_of(item.case),
        label=item.prediction.label,
        queue=queue,
        policy=item.policy,
        reason=Reason.SAMPLE,
        trace=item.route.trace,
        blind=True,
        priority=Priority.LOW,
        due_at=due,
    )


def lane_queue(policy: Policy, reason: str) -> Queue:
    """The queue of a reason's lane: one the policy names, else any of that kind, else the general one."""
    kind = LANES.get(reason, Queue.Kind.GENERAL)
    named = [rule.queue for rule in policy.rules.all() if rule.queue.kind == kind]
    return named[0] if named else Queue.objects.filter(kind=kind).order_by("id").first() or front_desk()


def senior_queue(policy: Policy, queue: Queue) -> Queue | None:
    """Where a task of this queue goes when it is raised; None where no queue is more senior."""
    ordinary = (Queue.Kind.GENERAL, Queue.Kind.FAST_TRACK)
    target = lane_queue(policy, Reason.LOW_CONFIDENCE if queue.kind in ordinary else Reason.HIGH_RISK)
    if target.pk == queue.pk or target.kind == Queue.Kind.GENERAL:
        target = lane_queue(policy, Reason.HIGH_RISK)
    return None if target.pk == queue.pk or target.kind == Queue.Kind.GENERAL else target


def quality_queue(policy: Policy) -> Queue:
    return lane_queue(policy, Reason.SAMPLE)
