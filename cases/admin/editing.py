"""Rows that may be edited: versioned, so that of two tabs the second is refused, and audited."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext as _

from cases.access import can
from cases.admin.base import BackOfficeAdmin, account
from cases.audit import journal


class VersionedForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A form that remembers which version of its row it shows, and refuses when that is no longer the present one."""

    row_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["row_version"].initial = self.instance.version
        self.fields["row_version"].label = ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("row_version") != self._present_version():
            raise ValidationError(
                _(
                    "Somebody else has saved this in the meantime. Open it again, look at what changed, and repeat your change."
                )
            )
        return cleaned

    def _present_version(self) -> int | None:
        rows = type(self.instance)._default_manager.select_for_update().filter(pk=self.instance.pk)
        present: int | None = rows.values_list("version", flat=True).first()
        return present


class AuditedAdmin(BackOfficeAdmin):
    """Added, changed and deleted by those whose role says so; every change is in the audit log with what changed."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), f"{self.opts.app_label}.add_{self.opts.model_name}")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), f"{self.opts.app_label}.change_{self.opts.model_name}", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), f"{self.opts.app_label}.delete_{self.opts.model_name}", obj)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:  # noqa: FBT001 - theirs
        row = super().save_form(request, form, change)
        if change and hasattr(row, "version"):
            row.version = F("version") + 1
        return row

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - theirs
        with journal(actor=account(request), origin="admin") as log:
            super().save_model(request, obj, form, change)
            verb = "changed" if change else "added"
            log(
                f"{self.opts.model_name}.{verb}",
                subject=obj,
                data={"name": str(obj), "fields": sorted(form.changed_data)},
            )
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with journal(actor=account(request), origin="admin") as log:
            log(f"{self.opts.model_name}.deleted", subject=obj, data={"name": str(obj)})
            super().delete_model(request, obj)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own log of changes is not kept: the audit log is the record."""
        return None

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None
