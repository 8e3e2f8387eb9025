"""When a mail is due, and sending it once: a row per person and week, taken under a lease before anything leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.db.models import F
from django.db.models.functions import Now
from django.utils.timezone import get_default_timezone

from cases.clock import from_now
from metrics.digests import letter, subscribing
from metrics.models import Digest, DigestSubscription

logger = structlog.get_logger(__name__)
HOUR = time(6)  # on Monday, in the reader's zone
STALE = timedelta(days=3)  # a mail that late is no news any more
MOST_ATTEMPTS = 5
LEASE_MINUTES = 30


def send_due(*, now: datetime | None = None) -> int:
    """Write down which mails are due, and send those that were not. Returns how many left."""
    moment = now or datetime.now(UTC)
    _note_due(moment)
    waiting = Digest.objects.filter(sent_at__isnull=True, attempts__lt=MOST_ATTEMPTS, lease_until__lte=Now())
    return sum(_sent(digest, now=moment) for digest in waiting.select_related("user").order_by("pk"))


def _note_due(now: datetime) -> None:
    rows = DigestSubscription.objects.select_related("user__profile")
    due = [Digest(user=row.user, week=week) for row in rows if (week := due_week(row, now=now))]
    Digest.objects.bulk_create(due, ignore_conflicts=True)


def due_week(row: DigestSubscription, *, now: datetime) -> date | None:
    """Monday of the week that a mail is due about: the last one that is over, from Monday morning of the reader on."""
    profile = getattr(row.user, "profile", None)
    here = now.astimezone(_zone(profile.time_zone if profile else ""))
    monday = here.date() - timedelta(days=here.weekday())
    morning = datetime.combine(monday, HOUR, here.tzinfo)
    # Days of the reports are UTC: east of it a Monday morning may come before the week is over.
    begins = max(morning, datetime.combine(monday, time(), UTC) + timedelta(minutes=10))
    if not begins <= now < begins + STALE or row.created_at > begins:
        return None
    return monday - letter.WEEK


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError):
        return get_default_timezone()


def _sent(digest: Digest, *, now: datetime) -> bool:
    taken = Digest.objects.filter(pk=digest.pk, sent_at__isnull=True, lease_until__lte=Now())
    if not taken.update(lease_until=from_now(minutes=LEASE_MINUTES), attempts=F("attempts") + 1):
        return False
    row = DigestSubscription.objects.filter(user=digest.user_id).first()
    if row is None or not subscribing.wants(digest.user):
        return False
    try:
        letter.message(digest.user, digest.week, address=row.address, now=now).send()
    except OSError as error:  # of the mail server; the lease is the pause before the next attempt
        logger.warning("weekly mail not sent", user=digest.user_id, week=str(digest.week), error=str(error))
        return False
    Digest.objects.filter(pk=digest.pk).update(sent_at=Now())
    return True
