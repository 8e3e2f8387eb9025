"""The sender withdraws a case that nobody has decided yet."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases import hooks, outbox
from cases.access import demand
from cases.audit import Journal, journal
from cases.errors import Conflict
from cases.models import Case, Effect
from cases.models.choices import State
from cases.transitions import move

UNDECIDED = (State.RECEIVED, State.CLASSIFIED, State.IN_REVIEW)  # in the order of the flow: a case only moves forward


def cancel_case(case: Case, *, reason: str, user: User, origin: str) -> Case:
    """Withdraw a case; its open task ends with it and the subscribers are told. Once more changes nothing.

    Raises: Forbidden or Missing where it is not the account's to withdraw, Conflict once it is decided.
    """
    demand(user, "cases.cancel_case", case, see="cases.view_case")
    with journal(actor=user, origin=origin) as log:
        _demand_nothing_left(case)
        cancelled = withdraw(case, reason=reason, log=log)
    case.refresh_from_db(fields=["state", "lease_until"])
    if not cancelled and case.state != State.CANCELLED:
        raise Conflict(
            _("The case is %(state)s; only what is not decided yet can be withdrawn.")
            % {"state": case.get_state_display()}
        )
    return case


def _demand_nothing_left(case: Case) -> None:
    """A case that was decided, acted upon and reopened is corrected by a better decision; withdrawing undoes nothing."""
    left = Effect.objects.filter(case=case, event="case.decided").exclude(status=Effect.Status.CANCELLED)
    if left.exists():
        raise Conflict(
            _("The case has been decided before and the decision was sent out; it can no longer be withdrawn.")
        )


def withdraw(case: Case, *, reason: str, log: Journal) -> bool:
    """Move the case to cancelled inside the caller's transaction, wherever before its decision it stands."""
    told = {"reason": reason}
    for state in UNDECIDED:
        if move({case.pk: {}}, source=state, target=State.CANCELLED, log=log, data={case.pk: told}):
            hooks.call("case_cancelled", case_id=case.pk, log=log)
            outbox.announce([outbox.Happening(case, "case.cancelled", told)], log=log)
            return True
    return False
