"""Who may do what to which row. One rule serves the admin, its actions, the API, the exports and the jobs.

A verb is a Django permission (``review.decide_reviewtask``); groups limit verbs. A scope limits rows: for each model a
function from user and verb to a `Q`, so that the list one sees and the row one may touch can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from cases.errors import Forbidden, Missing

Account = User | AbstractBaseUser | AnonymousUser
Scope = Callable[[User, str], Q]
M = TypeVar("M", bound=models.Model)

NOTHING = Q(pk__in=[])
EVERYTHING = Q()
_scopes: dict[type[models.Model], Scope] = {}


def scope_of(model: type[models.Model]) -> Callable[[Scope], Scope]:
    """Register the row rule of a model."""

    def register(rule: Scope) -> Scope:
        _scopes[model] = rule
        return rule

    return register


def can(user: Account, verb: str, obj: models.Model | None = None) -> bool:
    """Whether an account may do a verb, on that row where one is given. Unknown means no."""
    if not isinstance(user, User) or not user.is_active or not user.has_perm(verb):
        return False
    return obj is None or visible(user, type(obj)._meta.base_manager.filter(pk=obj.pk), verb).exists()


def visible(user: Account, queryset: models.QuerySet[M], verb: str) -> models.QuerySet[M]:
    """The rows of a queryset on which the account may do the verb."""
    if not isinstance(user, User) or not user.is_active or not user.has_perm(verb):
        return queryset.none()
    rule = _scopes.get(queryset.model)
    return queryset.filter(rule(user, verb)) if rule else queryset


def demand(user: Account, verb: str, obj: models.Model | None = None, *, see: str = "") -> None:
    """Refuse unless the account may do the verb on the row.

    Raises: Missing where the account may not even see the row (verb ``see``), Forbidden where it may see and not do.
    """
    if can(user, verb, obj):
        return
    if see and not can(user, see, obj):
        raise Missing(_("There is no such row, or it is not yours to see."))
    raise Forbidden(_("You may not do this."))


def role_names(user: User) -> frozenset[str]:
    """The names of the account's groups."""
    return frozenset(user.groups.values_list("name", flat=True))
