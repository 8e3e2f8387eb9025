"""The form of a rule: the parameters of its kind, each as a field of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.editing import VersionedForm
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.parameters import Field
from metrics.alerting.shapes import About
from metrics.models import AlertRule

PREFIX = "p_"
ONLY = {
    "plain": gettext_lazy("For the plain trigger."),
    "sequential": gettext_lazy("For the sequential trigger."),
}
TOLD = gettext_lazy("Channels that hear of every rule are told anyway; choose further ones here.")
NOTHING_TO_SET = gettext_lazy("Sequential is for shares and times only.")


class RuleForm(VersionedForm):
    kind_name: ClassVar[str] = ""

    class Meta:
        model = AlertRule
        fields = ("key", "name", "kind", "case_type", "queue", "severity", "trigger", "enabled", "channels")
        widgets = {"channels": forms.CheckboxSelectMultiple}

    @classmethod
    def of_kind(cls, kind: str) -> type[RuleForm]:
        """A form with the fields of one kind; Django asks for the class, not for an instance."""
        watch = WATCHES.get(kind)
        fields = {f"{PREFIX}{each.name}": form_field(each) for each in watch.fields} if watch else {}
        return type("RuleForm", (cls,), {**fields, "kind_name": kind})

    @staticmethod
    def parameter_names(kind: str) -> tuple[str, ...]:
        watch = WATCHES.get(kind)
        return tuple(f"{PREFIX}{each.name}" for each in watch.fields) if watch else ()

    @staticmethod
    def target_names(kind: str) -> list[str]:
        """What the rule can be narrowed to."""
        about = WATCHES[kind].about
        return {About.CASE_TYPE: ["case_type"], About.QUEUE: ["queue"]}.get(about, [])

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name in self.parameter_names(self.kind_name):
            stored = self.instance.parameters or {}
            if name.removeprefix(PREFIX) in stored:
                self.fields[name].initial = stored[name.removeprefix(PREFIX)]
        if "kind" in self.fields and self.kind_name in WATCHES:
            self.fields["kind"].initial = self.kind_name
            self.fields["kind"].widget = forms.HiddenInput()
        self._limit_trigger()
        for name in ("case_type", "queue", "channels"):
            if name in self.fields:
                widget: Any = self.fields[name].widget
                widget.can_add_related = widget.can_change_related = widget.can_view_related = False
        if "channels" in self.fields:
            self.fields["channels"].help_text = TOLD

    def _limit_trigger(self) -> None:
        trigger: Any = self.fields.get("trigger")
        watch = WATCHES.get(self.kind_name)
        if trigger is not None and watch is not None and not watch.sequential:
            trigger.choices = [("plain", AlertRule.Trigger.PLAIN.label)]
            trigger.help_text = NOTHING_TO_SET

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        kind = self.kind_name if self.kind_name in WATCHES else ""
        if not self.instance.pk and cleaned.get("kind") != kind:
            self.add_error(None, _("Choose what is watched first."))
            return cleaned
        given = {}
        for each in WATCHES[kind].fields:
            value = cleaned.get(f"{PREFIX}{each.name}")
            if value is not None or each.optional:
                given[each.name] = value
        low, high = given.get("low"), given.get("high")
        if low is not None and high is not None and low >= high:
            self.add_error(f"{PREFIX}high", _("Must lie above the lower end."))
        self.instance.parameters = given
        return cleaned


def form_field(each: Field) -> forms.Field:
    """The same bounds as `Field.fault`, for the browser and for a message beside the field."""
    help_text = " ".join(filter(None, [str(ONLY[each.only]) if each.only else "", str(each.help)]))
    shown: dict[str, Any] = {"label": capfirst(str(each.label)), "help_text": help_text, "initial": each.default}
    if each.choices:
        return forms.ChoiceField(choices=each.choices, **shown)
    shown["required"] = not each.optional
    if each.whole:
        return forms.IntegerField(**shown, min_value=int(each.low), max_value=int(each.high))
    return forms.FloatField(
        **shown, min_value=each.low, max_value=each.high, widget=forms.NumberInput(attrs={"step": "any"})
    )
