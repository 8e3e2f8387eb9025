"""What happens by the clock. Jobs are named by dotted path; each may run twice, late, or beside itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Periodic:
    job: str
    seconds: int
    queue: str = "pipeline"


def schedule() -> list[Periodic]:
    return [
        Periodic("cases.jobs.sweep", settings.SWEEP_SECONDS),
        Periodic("cases.jobs.seal", 60),
        Periodic("review.jobs.expire", 30),
        Periodic("review.jobs.breaches", 30),
        Periodic("feedback.jobs.take_fingerprints", 30),
        Periodic("feedback.jobs.read_again", 60),
        Periodic("feedback.jobs.look_after_runs", 30),
        Periodic("feedback.jobs.follow_in_the_shadow", 60, queue="learning"),
        Periodic("feedback.jobs.train_what_is_due", 3600, queue="learning"),
        Periodic("feedback.jobs.plant", 300),
        Periodic("feedback.jobs.open_rounds", 300),
        Periodic("metrics.jobs.roll_up", 4),
        Periodic("metrics.alerting.jobs.watch_quick", 10),
        Periodic("metrics.alerting.jobs.watch_all", 60),
        Periodic("metrics.digests.jobs.send", 600),
    ]
