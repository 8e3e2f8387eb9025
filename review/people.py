"""What changes about people. Whoever may no longer work holds no work back."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import journal
from cases.errors import Conflict
from cases.models import ApiToken
from review.models import ReviewTask


def deactivate(user: User, *, by: User, origin: str = "admin") -> int:
    """End an account: its claims go back to their queues and its tokens end, in one transaction.

    Returns the number of claims released. Raises: Missing, Forbidden, Conflict when somebody deactivates themselves.
    """
    demand(by, "auth.change_user", user, see="auth.view_user")
    if user.pk == by.pk:
        raise Conflict(_("You cannot deactivate yourself; ask another administrator."))
    with journal(actor=by, origin=origin) as log:
        User.objects.filter(pk=user.pk).update(is_active=False)
        ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
        held = list(ReviewTask.objects.open().filter(assignee=user).select_for_update(of=("self",)))
        tasks = ReviewTask.objects.filter(pk__in=[task.pk for task in held])
        tasks.update(assignee=None, lease_until=Now(), lease_token=F("lease_token") + 1, hold_reason="")
        log("account.deactivated", subject=user, data={"account": user.get_username(), "released": len(held)})
        for task in held:
            log("task.released", case_id=task.case_id, subject=task, data={"because": "account deactivated"})
    user.is_active = False
    return len(held)
