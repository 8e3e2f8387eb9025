"""Runs: what takes long and happens in the background, with its progress. The row is the truth; the RQ job only rings for it.

A run is carried out under a lease that every step renews. One whose worker died is failed by a periodic look, and can be run again;
a worker that comes back after that finds its lease gone and writes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import django_rq
import structlog
from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from redis.exceptions import RedisError
from rq.job import Job

from cases.access import demand
from cases.audit import Actor, journal
from cases.clock import from_now
from cases.errors import Conflict
from cases.models import CaseType
from feedback.models import Dataset, ModelVersion, PromptVersion, Run

logger = structlog.get_logger(__name__)
QUEUE, JOB = "learning", "feedback.jobs.carry_out"
LEASE_SECONDS = 900  # longer than the longest step: learning from 200,000 texts
RING_AGAIN_SECONDS = 60  # after this a run that still waits is rung for again: its bell may be lost with Redis
UNFINISHED = (Run.Status.WAITING, Run.Status.RUNNING)

Tell = Callable[[float, str], None]
"""What the work calls as it goes on, with the share that is done (0 to 1) and what comes next."""


class RunLost(Exception):
    """The run is not ours any more: it took longer than its lease and was failed."""


def start(
    kind: str,
    case_type: CaseType,
    *,
    by: User,
    origin: str,
    dataset: Dataset | None = None,
    model: ModelVersion | None = None,
    prompt: PromptVersion | None = None,
) -> Run:
    """Have something done in the background, on behalf of a person.

    Raises: Forbidden; Conflict when the like of it is under way.
    """
    demand(by, "feedback.add_run")
    return enqueue(kind, case_type, actor=by, origin=origin, dataset=dataset, model=model, prompt=prompt)


def again(run: Run, *, by: User, origin: str) -> Run:
    """The same once more, as a new run.

    Raises: Forbidden; Conflict when the like of it is under way.
    """
    return start(run.kind, run.case_type, by=by, origin=origin, dataset=run.dataset, model=run.model, prompt=run.prompt)


def enqueue(kind: str, case_type: CaseType, *, actor: Actor, origin: str, **about: Any) -> Run:
    """The same for the machinery, which asks nobody. ``about`` is what the run is made from or about.

    Raises: Conflict when the like of it is under way.
    """
    with journal(actor=actor, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        alike = {} if kind == Run.Kind.TRAIN else {name: about.get(name) for name in ("model", "prompt")}
        if Run.objects.filter(kind=kind, case_type=case_type, status__in=UNFINISHED, **_given(alike)).exists():
            raise Conflict(_("This is under way already; wait until it is done."))
        run = Run.objects.create(kind=kind, case_type=case_type, started_by=log.actor_name[:150], **about)
        log("run.started", subject=run, data={"kind": kind, "case_type": case_type.key})
        transaction.on_commit(lambda: ring(run.pk), robust=True)
    return run


def _given(about: dict[str, Any]) -> dict[str, Any]:
    return {name: row for name, row in about.items() if row is not None}


def ring(run_id: int) -> None:
    """Put the job on its queue unless it is there. A Redis that is away costs time, never the run."""
    try:
        queue = django_rq.get_queue(QUEUE)
        if not Job.exists(_job_id(run_id), connection=queue.connection):
            queue.enqueue(JOB, run_id, job_id=_job_id(run_id), result_ttl=0, failure_ttl=RING_AGAIN_SECONDS)
    except RedisError as error:
        logger.warning("run_not_rung", run=run_id, error=str(error))


def _job_id(run_id: int) -> str:
    return f"countersign-run-{run_id}"


def begin(run_id: int) -> Run | None:
    """Take a waiting run under a lease; None when somebody else has it or it is over."""
    token = uuid.uuid4().hex
    waiting = Run.objects.filter(pk=run_id, status=Run.Status.WAITING)
    taken = waiting.update(
        status=Run.Status.RUNNING, lease_token=token, lease_until=from_now(seconds=LEASE_SECONDS), progress=0.0
    )
    if not taken:
        return None
    return Run.objects.select_related("case_type", "dataset", "model__case_type", "prompt").get(pk=run_id)


def progress(run: Run, share: float, message: str) -> None:
    """Tell how far it is, and renew the lease. A database that is busy costs the news, not the run.

    Raises: RunLost when it is not ours any more.
    """
    fields = {"progress": share, "message": message[:300], "lease_until": from_now(seconds=LEASE_SECONDS)}
    try:
        ours = _ours(run).update(**fields)
    except OperationalError as error:
        logger.warning("run_not_told", run=run.pk, error=str(error))
        return
    if not ours:
        raise RunLost(f"run {run.pk} was given up meanwhile")


def finish(run: Run, message: str) -> None:
    """It is done.

    Raises: RunLost when it is not ours any more.
    """
    about = {name: getattr(run, f"{name}_id") for name in ("model", "prompt")}
    fields = {f"{name}_id": row for name, row in about.items() if row is not None}
    if not _end(_ours(run), Run.Status.DONE, message, progress=1.0, **fields):
        raise RunLost(f"run {run.pk} was given up meanwhile")


def fail(run: Run, message: str) -> None:
    """It ended without what it was for."""
    _end(_ours(run), Run.Status.FAILED, message)


def look_after() -> int:
    """Fail what a dead worker left, ring again for what waits. Returns how many were failed."""
    waiting = Run.objects.filter(status=Run.Status.WAITING, created_at__lt=from_now(seconds=-RING_AGAIN_SECONDS))
    for run_id in waiting.values_list("pk", flat=True)[:50]:
        ring(run_id)
    dead = Run.objects.filter(status=Run.Status.RUNNING, lease_until__lt=Now())
    return _end(dead, Run.Status.FAILED, _("The worker stopped before it was done. Run it again."))


def _ours(run: Run) -> QuerySet[Run]:
    return Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING, lease_token=run.lease_token)


def _end(rows: QuerySet[Run], status: str, message: str, **fields: Any) -> int:
    return rows.update(status=status, message=message[:300], finished_at=Now(), lease_until=None, **fields)
