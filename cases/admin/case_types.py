"""Case types: what the answer looks like, whom an error reaches, and what the reader is told."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import strict_json
from cases.admin.base import badge
from cases.admin.editing import AuditedAdmin, VersionedForm
from cases.models import CaseType
from cases.models.choices import Impact
from cases.schemas import check_schema


class StrictJsonField(forms.CharField):
    """JSON as text, read by the same strict reader as the API."""

    widget = forms.Textarea(attrs={"rows": 14, "class": "cs-code vLargeTextField", "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return {}
        try:
            value = strict_json.read(text.encode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError) as trouble:
            raise ValidationError(_("This is no JSON: %(trouble)s") % {"trouble": str(trouble)[:200]}) from None
        if fault := strict_json.fault(value):
            raise ValidationError(f"{fault.path}: {fault.message}" if fault.path else fault.message)
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except ValidationError:
            return True


class CaseTypeForm(VersionedForm):
    impact = forms.MultipleChoiceField(
        choices=Impact.choices,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Impact"),
        help_text=gettext_lazy("Whom an error reaches."),
    )
    classifier = forms.ChoiceField(
        choices=[(name, name) for name in settings.CLASSIFIERS], label=gettext_lazy("Classifier")
    )
    output_schema = StrictJsonField(
        label=gettext_lazy("Output schema"), help_text=gettext_lazy("JSON Schema of the answer.")
    )
    action = StrictJsonField(required=False, label=gettext_lazy("Action"))

    class Meta:
        model = CaseType
        fields = (
            "key",
            "name",
            "impact",
            "reversible",
            "idempotent",
            "guidelines",
            "output_schema",
            "manual_minutes",
            "classifier",
            "action",
        )

    def clean_output_schema(self) -> Any:
        schema = self.cleaned_data["output_schema"]
        if faults := check_schema(schema):
            raise ValidationError([f"{path}: {text}" if path else text for path, text in faults])
        return schema

    def clean_action(self) -> Any:
        action = self.cleaned_data["action"]
        if not isinstance(action, dict) or (action and action.get("backend") not in settings.ACTIONS):
            raise ValidationError(
                _("An object whose backend is one of: %(names)s") % {"names": ", ".join(settings.ACTIONS)}
            )
        return action


@admin.register(CaseType)
class CaseTypeAdmin(AuditedAdmin):
    form = CaseTypeForm
    list_display = ("name", "key", "reaches", "undoing", "classifier", "manual_minutes", "version")
    sortable_by = ("name", "key")
    exact = ("key",)
    prefix = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Cases, policies and decisions point at it."""
        return False

    @admin.display(description=gettext_lazy("an error reaches"))
    def reaches(self, case_type: CaseType) -> str:
        return ", ".join(str(Impact(name).label) if name in Impact.values else name for name in case_type.impact)

    @admin.display(description=gettext_lazy("its action"))
    def undoing(self, case_type: CaseType) -> SafeString:
        return badge(_("can be undone"), "ok") if case_type.reversible else badge(_("cannot be undone"), "warning")
