"""A person puts a version to work, or goes back to the one before."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.access import demand
from cases.errors import Conflict, Forbidden, Invalid
from cases.models import CaseType
from feedback.evaluation import SIGNIFICANCE
from feedback.models import ModelVersion, Run
from feedback.registry import at_work, promote, roll_back

PROMOTE = "feedback.promote_modelversion"
LONGEST_REASON = 300


def promote_by_hand(version: ModelVersion, *, by: User, reason: str, origin: str) -> None:
    """Put a version to work although the rule did not, on a person's word.

    Raises: Forbidden, also for who had it trained; Invalid without a reason; Conflict when it is worse than the version at
    work, or was never held against it.
    """
    demand(by, PROMOTE)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(
            _("Say why, in at most %(most)s characters.") % {"most": LONGEST_REASON},
            errors={"reason": [_("This is needed.")]},
        )
    if Run.objects.filter(kind=Run.Kind.TRAIN, model=version, started_by=by.get_username()).exists():
        raise Forbidden(_("You had this version trained; somebody else puts it to work."))
    active = at_work(version.case_type)
    if objection := why_not(version, active):
        raise Conflict(objection)
    promote(version, actor=by, origin=origin, reason=reason, better_than=active)


def why_not(version: ModelVersion, active: ModelVersion | None) -> str:
    """What speaks against putting a version to work; empty when nothing does. The paired test has the word."""
    if version == active:
        return _("This version is at work already.")
    if active is None:
        return ""
    told = version.metrics.get("comparison", {})
    if told.get("against") != active.number or not told.get("compared"):
        text = _("It was not compared with version %(number)s, which is at work; have it judged again first.")
        return text % {"number": active.number}
    if told["p_worse"] <= SIGNIFICANCE:
        text = _("It is worse than version %(number)s (paired test, p = %(p).4f).")
        return text % {"number": active.number, "p": told["p_worse"]}
    return ""


def roll_back_by_hand(case_type: CaseType, *, by: User, origin: str) -> ModelVersion:
    """Go back at once to the version that was at work before.

    Raises: Forbidden; Conflict when there is none.
    """
    demand(by, PROMOTE)
    return roll_back(case_type, actor=by, origin=origin)
