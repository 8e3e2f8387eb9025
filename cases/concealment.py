"""Blind reading: what the machine said is kept from those who are to answer first.

Which cases that concerns is known by the app that hands out tasks; it registers in ``settings.HOOKS["concealed"]``
dotted paths of ``(user, case_ids) -> set of case ids``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string

from cases.access import Account
from cases.models import Case
from cases.models.choices import State


def listed(user: Account, page: Iterable[Case], *, hidden: Collection[int]) -> list[Case]:
    """The page of a list without those of the hidden cases of which the state alone would tell what came of them."""
    ended = (State.DECIDED, State.CLOSED)
    everywhere = isinstance(user, User) and user.has_perm("cases.view_every_case")
    return [case for case in page if everywhere or case.pk not in hidden or case.state not in ended]


def concealed_ids(user: Account, case_ids: Iterable[int]) -> set[int]:
    """Those of the cases whose label, confidence and predictions this account must not be shown now.

    Who sent a case in may see what the machine made of it.
    """
    wanted = set(case_ids)
    found: set[int] = set()
    for path in settings.HOOKS.get("concealed", ()):
        found |= import_string(path)(user, wanted)
    if not found or not isinstance(user, User):
        return found
    return found - set(Case.objects.filter(pk__in=found, sender=user).values_list("pk", flat=True))
