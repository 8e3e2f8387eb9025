"""Every kind of alert on one screen."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.alerting.kinds import shares, times, wording, work
from metrics.alerting.parameters import POINTS, Field, change, least, spacing, window
from metrics.alerting.shapes import DAILY, HOURLY, About, Unit, Watch
from metrics.models import Kind

HOURS, DAYS = _("full hours looked at"), _("full days looked at")
ONE = Field("least", _("from so many on"), 1, 1, 100_000, whole=True)

WATCHES: dict[str, Watch] = {
    watch.kind: watch
    for watch in (
        Watch(
            Kind.ESCALATION_JUMP,
            About.CASE_TYPE,
            shares.rising,
            wording.escalation,
            _("Look at what changed just before: a policy, a model, a new source. Read some of the cases."),
            (least(30), window(1, HOURS, high=23), *change(0.2), spacing()),
            season=HOURLY,
            sequential=True,
            quick=True,
        ),
        Watch(
            Kind.RESOLUTION_DOUBLED,
            About.CASE_TYPE,
            times.doubled,
            wording.resolution,
            _("Open some slow cases: is evidence missing, is a page slow, or are the cases of another sort?"),
            (
                least(15),
                window(1, HOURS, high=23),
                Field("factor", _("times the usual"), 2.0, 1.1, 100, only="plain"),
                Field("chance", _("largest chance"), 0.001, 1e-9, 0.5, optional=True, only="plain"),
                spacing(),
            ),
            unit=Unit.SECONDS,
            season=HOURLY,
            sequential=True,
        ),
        Watch(
            Kind.QUEUE_SATURATED,
            About.QUEUE,
            work.saturated,
            wording.saturated,
            _("Move people to this queue, or send less into it. At this pace it never empties."),
            (
                Field("least", _("least tasks waiting"), 10, 1, 100_000, whole=True),
                Field("chance", _("largest chance"), 0.001, 1e-9, 0.5),
            ),
            unit=Unit.COUNT,
            quick=True,
        ),
        Watch(
            Kind.SLA_ABOUT_TO_BREACH,
            About.QUEUE,
            work.due_soon,
            wording.due_soon,
            _("Claim them first; hand over what somebody holds and does not work on."),
            (ONE, Field("minutes", _("minutes ahead"), 15, 1, 1440, whole=True)),
            unit=Unit.COUNT,
            quick=True,
            from_past=False,
        ),
        Watch(
            Kind.OVERRIDE_OUT_OF_BAND,
            About.CASE_TYPE,
            shares.out_of_band,
            wording.override,
            _(
                "Above: retrain, or raise the threshold. Below: are the cases easy, or are answers waved through? Known cases tell."
            ),
            (
                least(40),
                Field("low", _("lower end"), 0.02, 0, 1),
                Field("high", _("upper end"), 0.30, 0, 1),
                spacing(180),
            ),
            season=DAILY,
            sequential=True,
        ),
        Watch(
            Kind.AUTOMATED_ERROR,
            About.CASE_TYPE,
            shares.above_promise,
            wording.automated,
            _("Raise the threshold or go back to validator mode until the model is retrained."),
            (least(20), spacing(180)),
            season=DAILY,
            sequential=True,
        ),
        Watch(
            Kind.POST_VALIDATION,
            About.CASE_TYPE,
            shares.rising,
            wording.post_validation,
            _("Read the wrong ones with the reviewers; mend the guidelines where they misled."),
            (least(20), window(6, DAYS, high=6), *change(0.5), spacing(180)),
            season=DAILY,
            sequential=True,
        ),
        Watch(
            Kind.CATCH_RATE,
            About.PERSON,
            shares.rising,
            wording.catch_rate,
            _("Speak with them before anything else: tiredness, pace, unclear guidelines. Their flag has the cases."),
            (least(6), window(6, DAYS, high=6), *change(0.5), spacing(180)),
            season=DAILY,
            sequential=True,
        ),
        Watch(
            Kind.CONFIDENCE_DRIFT,
            About.CASE_TYPE,
            work.drifted,
            wording.drifted,
            _(
                "Read some of the new cases: other customers, another form, another language? Evaluate the model on them."
            ),
            (
                least(50),
                Field("window", _("hours in a block"), 6, 1, 24, whole=True),
                Field("false_alarm_days", _("days between false alarms"), 90, 1, 3650, whole=True),
            ),
        ),
        Watch(
            Kind.CLASSIFIER_FAILING,
            About.CASE_TYPE,
            shares.rising,
            wording.classifier,
            _("Its cases go to people meanwhile. Look at the error in a case; check the model server and its key."),
            (least(10), window(1, HOURS, high=23), *change(0.1, POINTS), spacing()),
            season=HOURLY,
            sequential=True,
            quick=True,
        ),
        Watch(
            Kind.DEAD_EFFECTS,
            About.SYSTEM,
            work.any_at_all,
            wording.dead,
            _("Open the deliveries, mend what the last error says, and send them again."),
            (ONE,),
            unit=Unit.COUNT,
            quick=True,
            from_past=False,
        ),
        Watch(
            Kind.NO_WORKER,
            About.SYSTEM,
            work.any_at_all,
            wording.no_worker,
            _("Start a worker; nothing is lost, but nothing moves until then."),
            (ONE,),
            unit=Unit.COUNT,
            quick=True,
            from_past=False,
        ),
        Watch(
            Kind.GOVERNOR,
            About.CASE_TYPE,
            shares.above_level,
            wording.governor,
            _(
                "Choose: more people, a better model, or less sampling elsewhere. Thresholds are never lowered by themselves."
            ),
            (
                least(50),
                Field("limit", _("limit"), 0.20, 0.01, 1),
                Field("chance", _("largest chance"), 0.05, 1e-9, 0.5),
            ),
            season=HOURLY,
        ),
    )
}
