"""What stands on the home page: for whoever works at the desk, leads, reads quality, sends cases in or sets things up.

Each module answers one job and gives nothing to accounts that do not have it; permissions decide, never a role's name.
The queries are bounded, and their number does not depend on how much there is.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType
from hitl_project.home import alerts, figures, quality, sender, setting_up, team, work


def home_of(request: HttpRequest) -> dict[str, Any]:
    """The blocks of the home page that concern this account."""
    user = cast(User, request.user)
    if not CaseType.objects.exists():
        return {"title": _("Home"), "first_run": True}
    blocks = work.blocks(user) | team.blocks(user) | quality.blocks(user) | sender.blocks(user)
    blocks |= (
        alerts.blocks(user)
        | setting_up.blocks(user)
        | figures.blocks(user, at_the_desk=bool(blocks.get("at_the_desk")))
    )
    return {"title": _("Home"), "first_run": False, **blocks}
