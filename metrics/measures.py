"""The measures. Each is defined once, here: what is counted over what, what is left out, how sure the figure is, the
band in which all is well, and the one line of what to do outside it.

Gold cases, drills and second reads are never production; `metrics.sums` leaves them out before anything gets here.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics import estimates as make
from metrics import watches
from metrics.definition import Measure, Reading, Unit
from metrics.estimates import Estimate, Facts
from metrics.totals import Totals, checked_strata, escalated


def read(now: Totals, *, before: Totals, facts: Facts) -> list[Reading]:
    """All measures of a time; `before` is the time of equal length that ended when it began."""
    return [_reading(measure, now, before, facts) for measure in MEASURES]


def _reading(measure: Measure, now: Totals, before: Totals, facts: Facts) -> Reading:
    estimate = measure.estimate(now, facts)
    if estimate.observations < measure.least:
        return Reading(measure, estimate, watches.too_few(estimate.observations, measure.least))
    past = measure.estimate(before, facts)
    known = past if past.observations >= measure.least else None
    return Reading(measure, estimate, measure.watch(watches.Sight(estimate, known, now, facts)))


MODE, QUEUE = frozenset({"mode"}), frozenset({"queue"})
EXACT = _("Clopper–Pearson, 95 %")
ORDER = _("order statistics, 95 %, from buckets 5 % wide")
POISSON = _("Garwood (Poisson), 95 %")
WEIGHTED = _("Clopper–Pearson; Fay–Feuer over the strata where the chance to be sampled differed, 95 %")
NOTHING = _("nothing")
CHECKS = _("second reads and second approvals")

MEASURES: tuple[Measure, ...] = (
    Measure(
        key="throughput_clock",
        name=_("Effective throughput, per hour of clock"),
        unit=Unit.PER_HOUR,
        numerator=_("cases closed"),
        denominator=_("hours of clock since the first case"),
        excludes=_("cancelled cases; a case closed twice counts at its last closing"),
        method=POISSON,
        band=_("not falling against the time before"),
        advice=_("Look at the backlog and the waiting time: is less coming in, or does work pile up?"),
        estimate=lambda t, _f: make.rate(t.closed, t.hours),
        watch=watches.falling,
        heeds=MODE,
    ),
    Measure(
        key="throughput_human",
        name=_("Effective throughput, per hour of human time"),
        unit=Unit.PER_HOUR,
        numerator=_("cases closed"),
        denominator=_("hours people were active on cases, readings of samples included"),
        excludes=_("time on second reads and second approvals"),
        method=POISSON,
        band=_("not falling against the time before"),
        advice=_("See whether more cases are escalated or each takes longer; tackle the larger of the two."),
        estimate=lambda t, _f: make.rate(t.closed, t.human_seconds / 3600),
        watch=watches.falling,
    ),
    Measure(
        key="escalation_rate",
        name=_("Escalation rate"),
        unit=Unit.SHARE,
        numerator=_("cases routed to a person for any reason but the sample"),
        denominator=_("cases routed"),
        excludes=_("later routes of a reopened case; the band leaves out validator mode, where every case is read"),
        method=EXACT,
        band=_("at most 15 %; the governor acts at 20 %"),
        advice=_("Find the reason and label behind most escalations; correct examples of it teach the model most."),
        estimate=lambda t, _f: make.share(t.escalated, t.routed),
        watch=watches.escalation,
        heeds=MODE,
    ),
    Measure(
        key="resolution_median",
        name=_("Human resolution time, median"),
        unit=Unit.SECONDS,
        numerator=_("active seconds from first shown to decided, middle value"),
        denominator=_("decisions made with the output shown"),
        excludes=CHECKS,
        method=ORDER,
        band=_("not doubled; clearly below the time of the same work read blind"),
        advice=_("Open some slow cases: is evidence missing, or is the machine's answer no help?"),
        estimate=lambda t, _f: make.quantile(t.active, 0.5),
        watch=watches.resolution,
        least=6,
        heeds=QUEUE,
    ),
    Measure(
        key="resolution_p90",
        name=_("Human resolution time, nine in ten"),
        unit=Unit.SECONDS,
        numerator=_("active seconds that nine in ten decisions stay within"),
        denominator=_("decisions made with the output shown"),
        excludes=CHECKS,
        method=ORDER,
        band=_("not doubled"),
        advice=_("Send what takes longest to a queue of its own, with people who know it."),
        estimate=lambda t, _f: make.quantile(t.active, 0.9),
        watch=watches.doubled,
        heeds=QUEUE,
    ),
    Measure(
        key="resolution_blind_median",
        name=_("Resolution time read blind, median"),
        unit=Unit.SECONDS,
        numerator=_("active seconds of sampled cases, answered before the output is shown, middle value"),
        denominator=_("sampled cases decided by a person"),
        excludes=_("readings of cases that policy had decided"),
        method=ORDER,
        band=_("none: it is what the same work takes without the machine"),
        advice="",
        estimate=lambda t, _f: make.quantile(t.blind, 0.5),
        least=6,
        heeds=QUEUE,
    ),
    Measure(
        key="override_rate",
        name=_("Override rate, escalated cases"),
        unit=Unit.SHARE,
        numerator=_("decisions that changed the output"),
        denominator=_("decisions made on a shown output"),
        excludes=_("sampled cases, second reads and second approvals; cases on which the classifier failed"),
        method=EXACT,
        band=_("none: escalation selects the hard cases, so it stays high while the model improves"),
        advice="",
        estimate=lambda t, _f: make.share(t.tasks["overrides"], t.tasks["shown"]),
        heeds=QUEUE,
    ),
    Measure(
        key="override_rate_sampled",
        name=_("Override rate, sampled cases"),
        unit=Unit.SHARE,
        numerator=_("sampled cases where the person's answer differs from the machine's"),
        denominator=_("sampled cases read"),
        excludes=_("cases outside the sample; cases on which the classifier failed"),
        method=WEIGHTED,
        band=_("2 % to 30 %"),
        advice=_("Above: retrain, or raise the threshold. Below: see the two readings."),
        estimate=lambda t, _f: make.sampled(t.strata(automated_only=False)),
        watch=watches.overrides,
    ),
    Measure(
        key="catch_rate",
        name=_("Catch rate"),
        unit=Unit.SHARE,
        numerator=_("wrong outputs planted that people caught"),
        denominator=_("wrong outputs planted and answered"),
        excludes=_("known cases planted with their right output; all production"),
        method=EXACT,
        band=_("at least 85 %, what an attentive reader catches"),
        advice=_("Show people what was let pass; lighten the load before asking for more care."),
        estimate=lambda _t, f: make.share(f.planted[1], f.planted[0]),
        watch=watches.attentive,
    ),
    Measure(
        key="post_validation_error",
        name=_("Post-validation error rate"),
        unit=Unit.SHARE,
        numerator=_("human decisions found wrong"),
        denominator=_("human decisions checked by a second read or an outcome report, each once"),
        excludes=_("second reads not settled yet; without them reports come mostly for errors, so read the trend"),
        method=WEIGHTED,
        band=_("not rising against the time before"),
        advice=_("Read the wrong ones with the reviewers; mend the guidelines where they misled."),
        estimate=lambda t, _f: make.sampled(checked_strata(t.checks)),
        watch=watches.rising,
    ),
    Measure(
        key="automated_error",
        name=_("Automated error rate"),
        unit=Unit.SHARE,
        numerator=_("sampled decisions by policy found wrong"),
        denominator=_("sampled decisions by policy that were read"),
        excludes=_("cases that could not be sampled; outcome reports, which come mostly for errors"),
        method=WEIGHTED,
        band=_("at most the promise of the case type"),
        advice=_("Raise the threshold or go back to validator mode until the model is retrained."),
        estimate=lambda t, _f: make.sampled(t.strata(automated_only=True)),
        watch=watches.promised,
    ),
    Measure(
        key="sla_attainment",
        name=_("SLA attainment"),
        unit=Unit.SHARE,
        numerator=_("tasks decided by their due moment"),
        denominator=_("tasks decided, or due and still open"),
        excludes=_("tasks raised to another queue or cancelled"),
        method=EXACT,
        band=_("every task in time"),
        advice=_("Claim the overdue tasks first, then move people to the queue that runs late."),
        estimate=lambda t, _f: make.share(t.tasks["met"], t.settled),
        watch=watches.breached,
        least=1,
        heeds=QUEUE,
    ),
    Measure(
        key="waiting_median",
        name=_("Waiting time, median"),
        unit=Unit.SECONDS,
        numerator=_("seconds from opened to the last claim, middle value"),
        denominator=_("claimed tasks that ended"),
        excludes=_("tasks that still wait"),
        method=ORDER,
        band=_("not doubled"),
        advice=_("Compare queues: people may be waiting in one while work waits in another."),
        estimate=lambda t, _f: make.quantile(t.waiting, 0.5),
        watch=watches.doubled,
        least=6,
        heeds=QUEUE,
    ),
    Measure(
        key="waiting_p90",
        name=_("Waiting time, nine in ten"),
        unit=Unit.SECONDS,
        numerator=_("seconds from opened to the last claim that nine in ten tasks stay within"),
        denominator=_("claimed tasks that ended"),
        excludes=_("tasks that still wait"),
        method=ORDER,
        band=_("not doubled"),
        advice=_("Look at the priorities: low ones may starve behind a steady stream of others."),
        estimate=lambda t, _f: make.quantile(t.waiting, 0.9),
        watch=watches.doubled,
        heeds=QUEUE,
    ),
    Measure(
        key="backlog",
        name=_("Backlog"),
        unit=Unit.TASKS,
        numerator=_("tasks open at the end of the time"),
        denominator=_("1"),
        excludes=NOTHING,
        method=_("a count"),
        band=_("nothing overdue"),
        advice=_("Claim the overdue tasks first."),
        estimate=lambda _t, f: make.count(f.open_tasks),
        watch=watches.overdue,
        least=0,
        heeds=QUEUE,
    ),
    Measure(
        key="backlog_growth",
        name=_("Backlog growth"),
        unit=Unit.PER_HOUR,
        numerator=_("tasks opened less tasks ended"),
        denominator=_("hours of clock since the first case"),
        excludes=CHECKS,
        method=_("Garwood (Poisson) on both rates, squared and added"),
        band=_("not growing"),
        advice=_("More comes to people than they can do: add people, or lower the escalation rate."),
        estimate=lambda t, _f: make.growth(t.tasks["opened"], t.tasks["ended"], t.hours),
        watch=watches.swelling,
        heeds=QUEUE,
    ),
    Measure(
        key="backlog_hours",
        name=_("Backlog forecast"),
        unit=Unit.HOURS,
        numerator=_("tasks open at the end of the time"),
        denominator=_("tasks ended less tasks opened, per hour"),
        excludes=NOTHING,
        method=_("Garwood (Poisson) on both rates"),
        band=_("not growing"),
        advice=_("At this pace it never empties: add people, or lower the escalation rate."),
        estimate=lambda t, f: make.clearance(f.open_tasks, t.tasks["opened"], t.tasks["ended"], t.hours),
        watch=watches.growing,
        heeds=QUEUE,
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}

__all__ = ["BY_KEY", "MEASURES", "Estimate", "Facts", "Measure", "Reading", "Unit", "escalated", "read"]
