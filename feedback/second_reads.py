"""Second reads: a share of what people decided is read again by somebody else, blind to the first answer.

Two who agree settle it. Where they do not, a third person does, once: what comes of that is never drawn again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.audit import Journal, journal, settled_id
from cases.errors import Conflict, Missing
from cases.models.choices import Priority, Reason, State
from feedback import corrections
from feedback.models import Flag, SecondRead, SecondReadCursor
from review import coin
from review.claims import demand_task
from review.decide import Answer, Settled, decide
from review.models import Decision, Policy, Queue, ReviewTask
from review.reopen import reported_wrong
from review.route import lane_queue, quality_queue
from review.tasks import language_of, open_task, sample_due

BATCH = 1_000
ACTOR, ORIGIN = "quality", "worker"
Output = Mapping[str, Any] | None


def draw() -> int:
    """Toss the coin for what people have decided since the last call. Returns how many decisions were looked at.

    An installation that begins with second reads begins with what is decided from then on.
    """
    newest = settled_id(Decision)
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        cursor = _cursor(newest)
        rows = Decision.objects.by_people().filter(pk__gt=cursor.decision_id, pk__lte=newest)
        rows = rows.select_related("policy").order_by("pk")
        decisions = list(rows.defer("output", "note")[:BATCH])
        _note(_drawn(decisions), log=log)
        cursor.decision_id = decisions[-1].pk if len(decisions) == BATCH else newest
        cursor.save()
    return len(decisions)


def open_tasks() -> int:
    """Put what was drawn into the quality queues, once it has taken effect and nothing else is open on the case.

    What was put up for decision again in the meantime is dropped: there is no answer that stands.
    """
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        _waiting().exclude(decision__case__version=F("decision__case_version")).delete()
        reads = list(_ready().select_related("decision__policy", "decision__case__case_type")[:BATCH])
        queues = {policy: quality_queue(policy) for policy in {read.decision.policy for read in reads}}
        now = timezone.now()
        for rank, read in enumerate(reads):
            case, policy = read.decision.case, read.decision.policy
            due = sample_due(policy, case, since=now, rank=rank)
            read.task = _task(read, queue=queues[policy], due=due)
            log("task.opened", case_id=case.pk, subject=read.task, data={"queue": queues[policy].key})
        SecondRead.objects.bulk_update(reads, ["task"], batch_size=200)
    return len(reads)


def record(*, task: ReviewTask, answer: Answer, settled: Settled, user: User, log: Journal) -> None:
    """A task of this reason was answered: by the second reader, or by whoever settles a disagreement.

    Raises: Conflict when nothing waits for the answer, or the person has answered before.
    """
    read = _of_case(task.case_id)
    if read is None or read.settled_at is not None:
        raise Conflict(_("This reading is done; nothing waits for an answer."))
    if user.pk in (read.decision.decided_by_id, read.reader_id):
        raise Conflict(_("This task must be read by somebody else than those who answered before."))
    if read.read_at is None:
        _second(read, task=task, answer=answer, settled=settled, user=user, log=log)
    else:
        _settle(read, task=task, answer=answer, output=settled.output, user=user, log=log)


def take(task_id: int, *, place: int, user: User, lease_token: int, digest: str, origin: str) -> None:
    """Settle a disagreement by the answer that was shown at this place (1 or 2).

    Raises: as `review.decide.decide`; Missing where the task settles none.
    """
    demand_task(user, "review.decide_reviewtask", task_id)
    task = ReviewTask.objects.get(pk=task_id)
    read = to_settle(task)
    if read is None or place not in (1, 2):
        raise Missing(_("There are no two answers to choose from here."))
    output = answers(read)[place - 1]
    verb = Decision.Outcome.REJECT if output is None else Decision.Outcome.AMEND
    answer = Answer(outcome=str(verb), output=output, reason="adjudication")
    decide(task_id, user=user, lease_token=lease_token, digest=digest, answer=answer, origin=origin)


def same(one: Output, other: Output) -> bool:
    """Whether two answers agree: both reject, or both give the same value to every field, spacing in texts apart."""
    return bool(_plain(one) == _plain(other))


def answer_of(decision: Decision) -> Output:
    """What a decision answers; none is a rejection."""
    return None if decision.outcome == Decision.Outcome.REJECT else decision.output


def to_settle(task: ReviewTask) -> SecondRead | None:
    """The disagreement that this task is to settle, if it is one."""
    if task.reason != Reason.SECOND_READ or task.closed_at is not None:
        return None
    read = _of_case(task.case_id)
    return read if read is not None and read.read_at is not None and read.settled_at is None else None


def answers(read: SecondRead) -> tuple[Output, Output]:
    """The two answers without names, in an order that is random and stays the same."""
    first, second = answer_of(read.decision), read.output
    return (first, second) if coin.second_read(read.decision_id, "order") < 0.5 else (second, first)  # noqa: PLR2004


def _cursor(newest: int) -> SecondReadCursor:
    rows = SecondReadCursor.objects.select_for_update()
    return rows.get_or_create(pk=1, defaults={"decision_id": newest})[0]


def _drawn(decisions: Sequence[Decision]) -> list[tuple[Decision, float]]:
    """The decisions to be read again, each with its probability; of a case that was read again before, none."""
    paused = _paused()
    known = SecondRead.objects.filter(decision__case__in={decision.case_id for decision in decisions})
    taken = set(known.values_list("decision__case", flat=True))
    found = []
    for decision in decisions:
        kind = (decision.decided_by_id, decision.policy.case_type_id)
        chance = 1.0 if kind in paused else decision.policy.second_read_rate
        if decision.case_id not in taken and coin.second_read(decision.pk) < chance:
            found.append((decision, chance))
            taken.add(decision.case_id)
    return found


def _paused() -> set[tuple[int | None, int]]:
    """Readers and case types where all that the reader decides is read again, as follows from an open flag."""
    flags = Flag.objects.filter(closed_at__isnull=True, step=Policy.OnFlag.PAUSE)
    return set(flags.values_list("user", "case_type"))


def _note(drawn: Iterable[tuple[Decision, float]], *, log: Journal) -> None:
    rows = [
        SecondRead(decision=decision, case_type_id=decision.policy.case_type_id, probability=chance)
        for decision, chance in drawn
    ]
    for row in SecondRead.objects.bulk_create(rows, batch_size=500):
        log("second_read.drawn", case_id=row.decision.case_id, subject=row, data={"probability": row.probability})


def _waiting() -> QuerySet[SecondRead]:
    return SecondRead.objects.filter(task__isnull=True, read_at__isnull=True)


def _ready() -> QuerySet[SecondRead]:
    busy = ReviewTask.objects.open().filter(case=OuterRef("decision__case"))
    stands = Q(decision__held=False) | Q(decision__approval__approved=True)
    closed = Q(decision__case__state=State.CLOSED)
    rows = _waiting().filter(stands & closed, ~Exists(busy)).order_by("pk")
    return rows.select_for_update(of=("self", "decision__case"), skip_locked=True)


def _task(read: SecondRead, *, queue: Queue, due: datetime) -> ReviewTask:
    case = read.decision.case
    return ReviewTask.objects.create(
        case=case,
        case_type_id=case.case_type_id,
        language=language_of(case),
        queue=queue,
        policy=read.decision.policy,
        reason=Reason.SECOND_READ,
        blind=True,
        priority=Priority.LOW,
        due_at=due,
    )


def _of_case(case_id: int) -> SecondRead | None:
    rows = SecondRead.objects.filter(decision__case=case_id).select_related("decision__case__case_type")
    return rows.order_by("-pk").first()


def _second(read: SecondRead, *, task: ReviewTask, answer: Answer, settled: Settled, user: User, log: Journal) -> None:
    read.task, read.reader, read.read_at = task, user, timezone.now()
    read.output, read.label, read.active_seconds = settled.output, settled.label, answer.active_seconds
    read.agrees = same(answer_of(read.decision), settled.output)
    if read.agrees:
        read.settled, read.settled_at = settled.output, read.read_at
    else:
        read.adjudication = _ask_a_third(read, log=log)
    read.save()
    log("second_read.taken", case_id=task.case_id, subject=read, data={"agrees": read.agrees})


def _ask_a_third(read: SecondRead, *, log: Journal) -> ReviewTask:
    """The supervisors' lane: an ordinary one, where a second auditor need not be at hand."""
    case, policy = read.decision.case, read.decision.policy
    queue, due = lane_queue(policy, Reason.HIGH_RISK), sample_due(policy, case, since=timezone.now(), rank=0)
    return open_task(case, queue=queue, policy=policy, reason=Reason.SECOND_READ, due=due, log=log, blind=True)


def _settle(read: SecondRead, *, task: ReviewTask, answer: Answer, output: Output, user: User, log: Journal) -> None:
    """The third person's answer is the verdict. Unless it is the first one, the case is put up for decision again."""
    read.verdict = _verdict(read, output)
    read.adjudication, read.adjudicator = task, user
    read.settled, read.settled_at = output, timezone.now()
    read.save()
    log("second_read.settled", case_id=task.case_id, subject=read, data={"verdict": str(read.verdict)})
    if read.verdict != SecondRead.Verdict.FIRST:
        corrections.from_adjudication(read, why=answer.note)
        news = _("Two people have read it again and answered otherwise. %(note)s") % {"note": answer.note}
        reported_wrong(read.decision.case, note=news.strip(), log=log)


def _verdict(read: SecondRead, output: Output) -> SecondRead.Verdict:
    if same(answer_of(read.decision), output):
        return SecondRead.Verdict.FIRST
    return SecondRead.Verdict.SECOND if same(read.output, output) else SecondRead.Verdict.NEITHER


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return " ".join(value.split()) if isinstance(value, str) else value
