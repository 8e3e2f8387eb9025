"""Who is signed in, read in as few queries as can be: every page asks for the account, its permissions and its profile."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db.models import Model, Q


class AccountBackend(ModelBackend):
    """Django's own, with the profile read beside the account and all permissions at once."""

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.select_related("profile").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: AbstractBaseUser | AnonymousUser, obj: Model | None = None) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        known = vars(user_obj)
        if "_perm_cache" not in known:  # the name that Django's own backend keeps them under
            known["_perm_cache"] = _permissions(user_obj)
        found: set[str] = known["_perm_cache"]
        return found


def _permissions(user: User) -> set[str]:
    own = User.user_permissions.through.objects.filter(user=user).values("permission")
    by_group = Group.permissions.through.objects.filter(group__user=user).values("permission")
    every = Permission.objects.order_by()
    rows = every if user.is_superuser else every.filter(Q(pk__in=own) | Q(pk__in=by_group))
    return {f"{app}.{name}" for app, name in rows.values_list("content_type__app_label", "codename")}
