"""Refresher rounds: after a flag, known cases for one reader, one after the other, unmarked among their ordinary tasks."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.audit import Journal, journal
from feedback import copies
from feedback.choosing import fitting
from feedback.models import Flag, Planting, Refresher
from review import notices
from review.access import desk_of
from review.models import Notice, Policy, Queue, ReviewTask

SIZE = 8
ACTOR, ORIGIN = "quality", "worker"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round is, and how many of its errors were caught."""

    size: int
    answered: int
    wrong: int
    caught: int


def open_refresher(flag: Flag, *, log: Journal) -> Refresher:
    """Open the round of a flag and plant its first case. Within a verb's transaction."""
    refresher = Refresher.objects.create(flag=flag, size=SIZE)
    log("gold.refresher_opened", subject=refresher, data={"size": SIZE})
    go_on(refresher, log=log)
    return refresher


def go_on(refresher: Refresher, *, log: Journal) -> None:
    """Plant the next case, or end the round: when so many are answered, or no known case is left for this reader."""
    refresher = Refresher.objects.select_for_update(of=("self",)).select_related("flag__user").get(pk=refresher.pk)
    if refresher.ended_at is not None or _waiting(refresher).exists():
        return
    if progress(refresher).answered >= refresher.size:
        end(refresher, ending=Refresher.Ending.DONE, log=log)
    elif not _plant(refresher, log=log):
        end(refresher, ending=Refresher.Ending.NO_MORE, log=log)


def go_on_with_all() -> int:
    """Go on with the rounds that wait for their next case, as when nobody read the last one. Returns how many are open."""
    running = list(Refresher.objects.filter(ended_at__isnull=True).order_by("pk"))
    for refresher in running:
        with journal(actor=ACTOR, origin=ORIGIN) as log:
            go_on(refresher, log=log)
    return len(running)


def end(refresher: Refresher, *, ending: str, log: Journal) -> None:
    """End it, once; what waits of it unread is taken back, and its reader is told."""
    if not Refresher.objects.filter(pk=refresher.pk, ended_at__isnull=True).update(ended_at=Now(), ending=ending):
        return
    _waiting(refresher).update(closed_at=Now(), ending=ReviewTask.Ending.CANCELLED)
    log("gold.refresher_ended", subject=refresher, data={"ending": str(ending)})
    last = refresher.plantings.filter(answered_at__isnull=False).order_by("-answered_at").first()
    if last is not None:
        done = progress(refresher)
        text = _(
            "Your refresher round is over: you answered %(answered)d known cases and caught %(caught)d of %(wrong)d errors."
        )
        told = text % {"answered": done.answered, "caught": done.caught, "wrong": done.wrong}
        notices.tell([refresher.flag.user], kind=Notice.Kind.FLAG, case_id=last.gold.case_id, text=told)


def progress(refresher: Refresher) -> Progress:
    rows = list(refresher.plantings.filter(answered_at__isnull=False).values_list("wrong", "caught"))
    wrong = [caught for was_wrong, caught in rows if was_wrong and caught is not None]
    return Progress(refresher.size, len(rows), len(wrong), sum(wrong))


def _waiting(refresher: Refresher) -> QuerySet[ReviewTask]:
    return ReviewTask.objects.open().filter(planted=True, case__planting__refresher=refresher)


def _plant(refresher: Refresher, *, log: Journal) -> Planting | None:
    flag = refresher.flag
    policy = Policy.objects.filter(case_type=flag.case_type_id, status=Policy.Status.ACTIVE).first()
    way = fitting(policy, queues=desk_of(flag.user).ordinary, reader=flag.user) if policy else None
    if policy is None or way is None or way.route.queue is None:
        return None
    queue = Queue.objects.get(pk=way.route.queue.id)
    planting = copies.put(way, policy=policy, queue=queue, log=log, reader_id=flag.user_id)
    planting.refresher = refresher
    planting.save(update_fields=["refresher"])
    return planting
