"""When a figure is well and when somebody should look. A figure outside its band is only called out when chance is no
explanation, that is when its whole interval lies outside; else it is one to watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from metrics import estimates, intervals
from metrics.estimates import Estimate, Facts
from metrics.totals import Totals, escalated

ESCALATION_BAND = 0.15
GOVERNOR = 0.20
OVERRIDE_BAND = (0.02, 0.30)
NEAR_BLIND = 0.9
FALL = 0.9  # a smaller change is no fall, however certain
EVEN = 0.5
ATTENTIVE, WAVING = 0.85, 0.5  # what an attentive reader catches; who waves answers through, at most


class State(models.TextChoices):
    """What is said of a figure."""

    GOOD = "good", _("within its band")
    WATCH = "watch", _("outside its band, may be chance")
    ALERT = "alert", _("outside its band")
    TOO_FEW = "too_few", _("not enough data")
    PLAIN = "plain", _("no band")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, and a remark where the state alone would mislead."""

    state: State
    remark: object = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """All a watch may look at: the figure, the one of the time before (None when too few), the sums and facts."""

    estimate: Estimate
    before: Estimate | None
    totals: Totals
    facts: Facts


Watch = Callable[[Sight], Verdict]

TWO_READINGS = _(
    "A low override rate has two readings: cases come to people that did not need them, or people wave answers through. "
    "Planted cases with a known answer tell them apart; {count} were answered, which is too few."
)
NEEDLESS = _(
    "Few answers are changed, and people catch {share} of the errors planted among them ({count}): they do read. "
    "So cases come to them that did not need them: escalate fewer."
)
RUBBER_STAMP = _(
    "Few answers are changed, and people catch only {share} of the errors planted among them ({count}): answers are waved "
    "through. Do not lower the threshold on the strength of this rate."
)
BETWEEN = _(
    "Few answers are changed, and people catch {share} of the errors planted among them ({count}): fewer than an attentive "
    "reader, more than somebody who only waves through. Look at the people before the threshold."
)
STEADY = _("It neither grows nor shrinks beyond chance.")
NEAR = _("People take about as long as without the machine: its answer hardly helps.")
NEAR_MANUAL = _("People take about as long as the work is said to take by hand: the machine's answer hardly helps.")
BESIDE_BLIND = _("{share} less than the same work read blind.")
BESIDE_MANUAL = _("{share} less than the work is said to take by hand.")
NO_PAST = _("There is no earlier time to compare with.")
ALL_VALIDATED = _("Every case is in validator mode, where a person reads each one by design.")


def none(sight: Sight) -> Verdict:
    """No band."""
    return Verdict(State.PLAIN)


def too_few(found: int, least: int) -> Verdict:
    """Too little to judge by."""
    return Verdict(State.TOO_FEW, format_lazy(_("{found} of at least {least} observations"), found=found, least=least))


def above(estimate: Estimate, limit: float) -> Verdict:
    """Well while the figure is at most `limit`."""
    if estimate.value is None or estimate.value <= limit:
        return Verdict(State.GOOD)
    certain = estimate.interval is not None and estimate.interval.low > limit
    return Verdict(State.ALERT if certain else State.WATCH)


def below(estimate: Estimate, limit: float) -> Verdict:
    """Well while the figure is at least `limit`."""
    if estimate.value is None or estimate.value >= limit:
        return Verdict(State.GOOD)
    certain = estimate.interval is not None and estimate.interval.high < limit
    return Verdict(State.ALERT if certain else State.WATCH)


def falling(sight: Sight) -> Verdict:
    """Well unless clearly less than before. Given the sum of two Poisson counts, the later is binomial by its time."""
    before, now = sight.before, sight.estimate
    if before is None or before.value is None:
        return Verdict(State.PLAIN, NO_PAST)
    expected = now.denominator / (now.denominator + before.denominator)
    found = intervals.clopper_pearson(now.observations, now.observations + before.observations)
    fell = found.high < expected and (now.value or 0) < FALL * before.value
    return Verdict(State.ALERT if fell else State.GOOD)


def rising(sight: Sight) -> Verdict:
    """Well while the figure is no higher than the one before may have been."""
    if sight.before is None or sight.before.interval is None:
        return Verdict(State.PLAIN, NO_PAST)
    return above(sight.estimate, sight.before.interval.high)


def doubled(sight: Sight) -> Verdict:
    """Well while the figure is less than twice the one before."""
    if sight.before is None or sight.before.value is None:
        return Verdict(State.PLAIN, NO_PAST)
    return above(sight.estimate, 2 * sight.before.value)


def resolution(sight: Sight) -> Verdict:
    """Not doubled, and clearly faster than the same work without the machine: read blind, or by hand as it is said to take."""
    verdict = doubled(sight)
    if verdict.state in {State.ALERT, State.WATCH}:
        return verdict
    blind = estimates.quantile(sight.totals.blind, 0.5)
    if blind.value is not None and blind.interval is not None:
        near = above(sight.estimate, NEAR_BLIND * blind.value)
        if near.state is not State.GOOD:
            return Verdict(near.state, NEAR)
        return Verdict(State.GOOD, _saved(sight, blind.value, BESIDE_BLIND))
    manual = sight.facts.manual_seconds
    if not manual:
        return verdict
    near = above(sight.estimate, NEAR_BLIND * manual)
    if near.state is not State.GOOD:
        return Verdict(near.state, NEAR_MANUAL)
    return Verdict(State.GOOD, _saved(sight, manual, BESIDE_MANUAL))


def _saved(sight: Sight, without: float, words: Any) -> object:
    return format_lazy(words, share=f"{1 - (sight.estimate.value or 0) / without:.0%}")


def escalation(sight: Sight) -> Verdict:
    """The band holds where the mode leaves a choice."""
    routes = sight.totals.routed_by_choice
    if not routes.total():
        return Verdict(State.PLAIN, ALL_VALIDATED)
    estimate = estimates.share(escalated(routes), routes.total())
    verdict = above(estimate, ESCALATION_BAND)
    if routes.total() == sight.totals.routed:
        return verdict
    words = _("{share} of the {count} cases outside validator mode, where every case is read by design.")
    remark = format_lazy(words, share=f"{estimate.value:.1%}", count=routes.total())
    return Verdict(verdict.state, remark)


def overrides(sight: Sight) -> Verdict:
    """Too many corrections, or suspiciously few."""
    low, high = OVERRIDE_BAND
    if (sight.estimate.value or 0) < low:
        return Verdict(below(sight.estimate, low).state, _reading_of_few(*sight.facts.planted))
    return above(sight.estimate, high)


def _reading_of_few(planted: int, caught: int) -> object:
    """Which of the two readings of a low override rate the planted cases speak for."""
    if not planted:
        return format_lazy(TWO_READINGS, count=0)
    found = intervals.clopper_pearson(caught, planted)
    reads, waves = found.low > WAVING, found.high < ATTENTIVE
    words = {(True, False): NEEDLESS, (False, True): RUBBER_STAMP, (True, True): BETWEEN}.get(
        (reads, waves), TWO_READINGS
    )
    return format_lazy(words, share=f"{caught / planted:.0%}", count=planted)


def attentive(sight: Sight) -> Verdict:
    """People catch what an attentive reader catches."""
    return below(sight.estimate, ATTENTIVE)


def promised(sight: Sight) -> Verdict:
    """At most what the case type promises; kept for certain only when the whole interval is below."""
    promise = sight.facts.promise
    if promise is None:
        words = (
            _("Choose one case type to compare with its promise.") if sight.facts.promises else _("No promise is made.")
        )
        return Verdict(State.PLAIN, words)
    verdict = above(sight.estimate, promise)
    if verdict.state is not State.GOOD:
        return verdict
    interval = sight.estimate.interval
    proved = interval is not None and interval.high <= promise
    words = (
        _("Promised: at most {promise}. Proved.")
        if proved
        else _("Promised: at most {promise}. Not yet proved: more readings are needed.")
    )
    return Verdict(State.GOOD, format_lazy(words, promise=f"{promise:.1%}"))


def breached(sight: Sight) -> Verdict:
    """Any breach is one too many."""
    late = int(sight.estimate.denominator - sight.estimate.numerator)
    if not late:
        return Verdict(State.GOOD)
    return Verdict(State.ALERT, format_lazy(_("Breaches: {count}."), count=late))


def overdue(sight: Sight) -> Verdict:
    """Nothing waits past its due moment."""
    if not sight.facts.overdue_tasks:
        return Verdict(State.GOOD)
    return Verdict(State.ALERT, format_lazy(_("Overdue now: {count}."), count=sight.facts.overdue_tasks))


def swelling(sight: Sight) -> Verdict:
    """More comes than goes, beyond chance."""
    found = sight.estimate
    if not found.value or found.value <= 0 or found.interval is None or found.interval.low <= 0:
        return Verdict(State.GOOD)
    return Verdict(State.ALERT)


def growing(sight: Sight) -> Verdict:
    """The backlog does not grow, as far as can be told."""
    if not sight.facts.open_tasks or sight.estimate.denominator > 0:
        return Verdict(State.GOOD)
    coming, going = sight.totals.tasks["opened"], sight.totals.tasks["ended"]
    certain = intervals.clopper_pearson(going, coming + going).high < EVEN
    pace = format_lazy(_("Growing by {pace} tasks per hour."), pace=f"{-sight.estimate.denominator:.1f}")
    return Verdict(State.ALERT, pace) if certain else Verdict(State.GOOD, STEADY)
