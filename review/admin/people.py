"""Accounts: made and given roles by administrators. Who is deactivated holds no work back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.access import can, visible
from cases.admin.base import CappedPaginator, account, tell
from cases.audit import journal
from cases.errors import Refused
from review.people import deactivate

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Who"), {"fields": ("first_name", "last_name", "email")}),
        (_("What they may do"), {"fields": ("is_active", "is_staff", "groups")}),
    )
    filter_horizontal = ()
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = visible(account(request), super().get_queryset(request), "auth.view_user")
        return rows.prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Few roles: boxes to tick, not a list to shuffle."""
        return super().formfield_for_manytomany(db_field, request, widget=forms.CheckboxSelectMultiple, **options)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's account is a superuser's alone."""
        user = account(request)
        guarded = obj is not None and obj.is_superuser and not user.is_superuser
        return not guarded and can(user, "auth.change_user", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are deactivated, never deleted: their decisions bear their name."""
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - theirs
        ends = change and "is_active" in form.changed_data and not obj.is_active
        if ends:
            obj.is_active = True
        with journal(actor=account(request), origin="admin") as log:
            super().save_model(request, obj, form, change)
            told = {
                "account": obj.get_username(),
                "fields": sorted(set(form.changed_data) - {"password1", "password2"}),
            }
            log("account.changed" if change else "account.added", subject=obj, data=told)
        if ends:
            try:
                deactivate(obj, by=account(request))
            except Refused as refusal:
                tell(request, refusal)

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    paginator = CappedPaginator
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - theirs
        with journal(actor=account(request), origin="admin") as log:
            super().save_related(request, form, formsets, change)
            log("role.changed" if change else "role.added", subject=form.instance, data={"role": form.instance.name})
