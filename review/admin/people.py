"""Accounts: made and given roles by administrators. Who is deactivated holds no work back."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.access import can, visible
from cases.admin.base import CappedPaginator, account, tell
from cases.audit import journal
from cases.errors import Refused
from review.models import Profile, Skill
from review.people import deactivate
from review.profiles import LANGUAGE_TAG, MOST_CLAIMS, profile_of, set_up

READ_ONLY = _(
    "You can see how this person works, and not change it: accounts, roles, skills, duty and the most claims at once are "
    "set by an administrator."
)

admin.site.unregister(User)
admin.site.unregister(Group)


class PersonForm(UserChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """The account, and beside it what its person is there for, which `review.profiles` keeps."""

    on_duty = forms.BooleanField(
        label=_("On duty"), required=False, help_text=_("Is told of urgent and of late tasks that they may claim.")
    )
    most_claims = forms.IntegerField(
        label=_("Most claims at once"),
        min_value=1,
        max_value=MOST_CLAIMS,
        help_text=_("Tasks on hold, snoozed or handed to them do not count."),
    )
    profile_version = forms.IntegerField(widget=forms.HiddenInput, required=False, label="")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        profile = profile_of(self.instance)
        for name, value in (("on_duty", profile.on_duty), ("most_claims", profile.most_claims)):
            self.fields[name].initial = value
        self.fields["profile_version"].initial = profile.version

    def clean(self) -> dict[str, Any]:
        """Of two tabs the second is refused, before anything of it is written."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        present = Profile.objects.filter(user=self.instance.pk).values_list("version", flat=True).first() or 1
        if cleaned.get("profile_version") != present:
            raise ValidationError(
                _("Somebody else has changed this person's work since; open the page again and repeat your change.")
            )
        return cleaned


class SkillForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    language = forms.RegexField(
        re.compile(rf"\A(?:{LANGUAGE_TAG.pattern})\Z", re.IGNORECASE),
        label=_("Language"),
        required=False,
        help_text=_("A tag such as es or pt-br."),
        error_messages={"invalid": _("This is no language; use a tag such as es or pt-br.")},
    )

    class Meta:
        model = Skill
        fields = ("case_type", "language")

    def clean_language(self) -> str:
        return str(self.cleaned_data["language"]).lower()


class SkillsInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = Skill
    form = SkillForm
    extra = 0
    verbose_name = _("skill")
    verbose_name_plural = _("What they can read (no line: everything)")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "auth.view_user", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "auth.change_user", obj)

    has_add_permission = has_change_permission
    has_delete_permission = has_change_permission


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    list_display = ("username", "first_name", "last_name", "roles", "on_duty", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    form = PersonForm
    inlines = (SkillsInline,)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Who"), {"fields": ("first_name", "last_name", "email")}),
        (_("What they may do"), {"fields": ("is_active", "is_staff", "groups")}),
        (_("How they work"), {"fields": ("on_duty", "most_claims", "profile_version")}),
    )
    filter_horizontal = ()
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = visible(account(request), super().get_queryset(request), "auth.view_user")
        return rows.select_related("profile").prefetch_related("groups")

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

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look needs no version to guard, and no way to the password."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (None, {"fields": ("username",), "description": READ_ONLY}),
            *fieldsets[1:-1],
            (_("How they work"), {"fields": ("on_duty", "most_claims")}),
        ]

    @admin.display(description=_("on duty"), boolean=True)
    def on_duty(self, user: User) -> bool:
        return bool(profile_of(user).on_duty)

    @admin.display(description=_("most claims at once"))
    def most_claims(self, user: User) -> int:
        return int(profile_of(user).most_claims)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Skills belong to an account that is there."""
        return self.inlines if obj else ()

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:  # noqa: FBT001, FBT002 - theirs
        """Django's own log names no details: the skills were not saved by its forms, and the audit log has them."""
        return super().construct_change_message(request, form, [], add)

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - theirs
        """Groups as Django does; how they work by the verb."""
        form.save_m2m()
        if not change:
            return
        lines = [line.cleaned_data for formset in formsets for line in formset.forms if line.cleaned_data]
        skills = {(line["case_type"], line["language"]) for line in lines if not line.get("DELETE")}
        try:
            set_up(
                form.instance,
                by=account(request),
                on_duty=form.cleaned_data["on_duty"],
                most_claims=form.cleaned_data["most_claims"],
                skills=[(case_type.pk if case_type else None, language) for case_type, language in skills],
                version=form.cleaned_data["profile_version"],
                origin="admin",
            )
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
