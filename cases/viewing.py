"""Opening a single case. Administrators run the house and are no readers of cases: they give a reason, which is logged."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.access import visible
from cases.audit import journal
from cases.errors import Forbidden, Missing
from cases.models import Case

LONGEST_REASON = 500


def open_case(user: User, case_id: int, *, reason: str, origin: str) -> Case:
    """The case, for an account that may see it. ``reason`` counts only where one has to be given.

    Raises: Missing where there is none to see, Forbidden (code ``reason-needed``) where a reason is missing.
    """
    rows = Case.everything.select_related("case_type").filter(pk=case_id)
    case = visible(user, rows, "cases.view_case").first()
    if case is not None:
        return case
    case = visible(user, rows, "cases.view_case_with_reason").first()
    if case is None:
        raise Missing(_("There is no such case, or it is not yours to see."))
    if not reason.strip():
        raise Forbidden(_("Say why you open this case: send the header X-Reason."), code="reason-needed")
    with journal(actor=user, origin=origin) as log:
        log("case.viewed", case_id=case.pk, data={"reason": reason.strip()[:LONGEST_REASON]})
    return case
