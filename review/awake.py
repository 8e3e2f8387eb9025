"""Staying awake: how somebody's own reading goes today, told to them alone and to nobody else.

Nothing of this is stored, compared between people, or asked by any other page: it is read from a person's latest
decisions when that person opens the desk. Who switches hints off in their profile is told nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from review.models import Decision, Profile

LOOKED_AT = 120  # decisions, the newest: a long day's work, and always the same cost
PAUSE = timedelta(minutes=5)  # who decides nothing for so long has looked away
STRETCH = timedelta(minutes=50)
LONG_STREAK = 15
RECENT, FEWEST_BEFORE = 8, 12
HASTE = 0.5


@dataclass(frozen=True, slots=True)
class Moment:
    """One decision as far as wakefulness goes: when, whether it only agreed with the machine, and the seconds it took."""

    at: datetime
    agreed: bool
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Awake:
    """How it goes. ``usual`` and ``recent`` are median seconds, None while there is too little to tell."""

    streak: int = 0
    stretch: timedelta = timedelta(0)
    recent: float | None = None
    usual: float | None = None

    @property
    def break_due(self) -> bool:
        return self.stretch >= STRETCH

    @property
    def hasty(self) -> bool:
        return self.recent is not None and self.usual is not None and self.recent < self.usual * HASTE

    @property
    def long_streak(self) -> bool:
        return self.streak >= LONG_STREAK

    @property
    def hints(self) -> list[str]:
        """What is worth saying now, in calm words; mostly nothing."""
        found = []
        if self.break_due:
            found.append(_break_hint(int(self.stretch.total_seconds() // 60)))
        if self.long_streak:
            found.append(_streak_hint(self.streak))
        if self.hasty:
            found.append(_("You are reading twice as fast as you usually do. Fine if these are easy."))
        return found


def awake_of(user: User) -> Awake | None:
    """How the account's own work goes at present; None where they want no hints. Two queries at the most."""
    if not wants_hints(user):
        return None
    rows = Decision.objects.filter(decided_by=user).order_by("-id")
    found = rows.values_list("decided_at", "outcome", "override", "active_seconds")[:LOOKED_AT]
    moments = [Moment(at, outcome == "approve" and not override, took) for at, outcome, override, took in found]
    return measured(moments, now=timezone.now())


def wants_hints(user: User) -> bool:
    try:
        return bool(user.profile.hints)
    except Profile.DoesNotExist:
        return True


def measured(moments: Sequence[Moment], *, now: datetime) -> Awake:
    """The figures of these decisions, the newest first. After a pause one begins anew."""
    running = bool(moments) and now - moments[0].at < PAUSE
    took = [moment.seconds for moment in moments if moment.seconds is not None]
    before = took[RECENT:]
    return Awake(
        streak=streak(moments) if running else 0,
        stretch=stretch(moments) if running else timedelta(0),
        recent=median(took[:RECENT]) if len(took) >= RECENT else None,
        usual=median(before) if len(before) >= FEWEST_BEFORE else None,
    )


def streak(moments: Sequence[Moment]) -> int:
    """How many of the newest decisions in a row agreed with the machine, since the last pause."""
    agreed = [moment.agreed for moment in since_pause(moments)]
    return agreed.index(False) if False in agreed else len(agreed)


def stretch(moments: Sequence[Moment]) -> timedelta:
    """For how long somebody has decided without a pause, up to the newest decision."""
    together = since_pause(moments)
    return together[0].at - together[-1].at if together else timedelta(0)


def since_pause(moments: Sequence[Moment]) -> list[Moment]:
    """The newest decisions, back to where more than `PAUSE` lay between two of them. Newest first, as they came."""
    found = list(moments[:1])
    for later, earlier in pairwise(moments):
        if later.at - earlier.at >= PAUSE + timedelta(seconds=later.seconds or 0):
            break
        found.append(earlier)
    return found


def _break_hint(minutes: int) -> str:
    text = ngettext(
        "You have been reading for %(minutes)d minute without a pause. A few minutes away keep your eyes fresh.",
        "You have been reading for %(minutes)d minutes without a pause. A few minutes away keep your eyes fresh.",
        minutes,
    )
    return text % {"minutes": minutes}


def _streak_hint(number: int) -> str:
    text = ngettext(
        "You have agreed with the machine %(number)d time in a row. Look twice at the next one.",
        "You have agreed with the machine %(number)d times in a row. Look twice at the next one.",
        number,
    )
    return text % {"number": number}
