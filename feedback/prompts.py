"""What language models are told, as versions: composed, put to work by a second person, retired, rolled back at once.

The classifier asks for the version at work once per batch. Where there is none, the product's own wording is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import Journal, journal
from cases.classifiers.base import Question
from cases.classifiers.prompts import Instructions, faults_of
from cases.errors import Conflict, Forbidden, Invalid
from cases.models import CaseType
from feedback.evaluation import SIGNIFICANCE
from feedback.few_shot import CHOICES, FIXED, SIMILAR, USUAL, Choice, Shot, shots
from feedback.models import Dataset, PromptVersion

COMPOSE, PROMOTE = "feedback.add_promptversion", "feedback.promote_promptversion"
LONGEST_TEMPLATE, LONGEST_REASON = 20_000, 300
BOUNDS: dict[str, tuple[float, float]] = {"temperature": (0, 2), "samples": (1, 9), "max_tokens": (16, 16_384)}
MOST_SHOTS = 32
Status = PromptVersion.Status


def compose(
    case_type: CaseType,
    *,
    template: str,
    few_shot: Mapping[str, Any],
    settings: Mapping[str, Any],
    by: User,
    origin: str,
    dataset: Dataset | None = None,
) -> PromptVersion:
    """Write the next version down. Nothing of it ever changes; it is at work once a second person puts it there.

    ``few_shot`` is ``{"count": int, "choice": "similar" | "newest" | "fixed"}``; ``fixed`` takes from ``dataset``.
    ``settings`` are some of BOUNDS.

    Raises: Forbidden; Invalid with the fields.
    """
    demand(by, COMPOSE)
    errors = {"template": _template_faults(template), "few_shot": _few_shot_faults(few_shot, dataset, case_type)}
    errors |= {name: _setting_faults(name, value) for name, value in settings.items()}
    if errors := {name: faults for name, faults in errors.items() if faults}:
        raise Invalid(_("The prompt was not written down."), errors=errors)
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        newest = PromptVersion.objects.filter(case_type=case_type).aggregate(newest=Max("number"))["newest"] or 0
        told = {"few_shot": {"count": USUAL, "choice": SIMILAR, **few_shot}, "settings": dict(settings)}
        version = PromptVersion.objects.create(
            case_type=case_type, number=newest + 1, template=template, dataset=dataset, made_by=by, **told
        )
        log("prompt.composed", subject=version, data=_told(version) | told)
    return version


def _template_faults(template: str) -> list[str]:
    if len(template) > LONGEST_TEMPLATE or "\x00" in template:
        return [_("A template is a text of at most %(most)s characters.") % {"most": LONGEST_TEMPLATE}]
    return faults_of(template)


def _few_shot_faults(few_shot: Mapping[str, Any], dataset: Dataset | None, case_type: CaseType) -> list[str]:
    count, choice = few_shot.get("count", USUAL), few_shot.get("choice", SIMILAR)
    if unknown := set(few_shot) - {"count", "choice"}:
        return [_("There is no setting %(name)s.") % {"name": ", ".join(sorted(unknown))}]
    if type(count) is not int or not 0 <= count <= MOST_SHOTS:
        return [_("Between 0 and %(most)s examples.") % {"most": MOST_SHOTS}]
    if choice not in CHOICES:
        return [_("Choose from: %(names)s.") % {"names": ", ".join(CHOICES)}]
    if (choice == FIXED) != (dataset is not None):
        return [_("Fixed examples come from a dataset; the others from none.")]
    if dataset is not None and dataset.case_type_id != case_type.pk:
        return [_("This dataset is of another case type.")]
    return []


def _setting_faults(name: str, value: object) -> list[str]:
    if name not in BOUNDS:
        return [_("There is no setting %(name)s.") % {"name": name}]
    (low, high), kinds = BOUNDS[name], (int, float) if name == "temperature" else (int,)
    if type(value) not in kinds or not low <= value <= high:  # type: ignore[operator]  # a number by now
        return [_("%(name)s is between %(low)s and %(high)s.") % {"name": name, "low": low, "high": high}]
    return []


def active_prompt(case_type_key: str) -> Instructions:
    """What the language model is told now (``CLASSIFIERS['llm']['OPTIONS']['prompts']``)."""
    case_type = CaseType.objects.get(key=case_type_key)
    return instructions(case_type, at_work(case_type))


def instructions(case_type: CaseType, version: PromptVersion | None, **trial: Any) -> Instructions:
    """A version as the classifier needs it; without one the product's own wording. ``trial`` narrows the `Choice`."""
    told = version.few_shot if version else {}
    choice = Choice(**told, dataset=version.dataset if version else None, **trial)

    def examples(question: Question) -> list[Shot]:
        return shots(case_type, question, choice)

    if version is None:
        return Instructions(examples=examples)
    return Instructions(version.number, version.template, version.settings, examples)


def at_work(case_type: CaseType) -> PromptVersion | None:
    """The version at work for a case type, if any."""
    active = PromptVersion.objects.filter(case_type=case_type, status=Status.ACTIVE)
    return active.select_related("dataset").first()


def put_to_work(version: PromptVersion, *, by: User, reason: str, origin: str) -> None:
    """Have a version told from the next batch on.

    Raises: Forbidden, also for who composed it; Invalid without a reason; Conflict where it is worse than what is told
    now, or was never held against that.
    """
    demand(by, PROMOTE)
    reason = checked_reason(reason)
    if version.made_by_id == by.pk:
        raise Forbidden(_("You composed this version; somebody else puts it to work."))
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=version.case_type_id)
        version.refresh_from_db()
        if objection := why_not(version, at_work(version.case_type)):
            raise Conflict(objection)
        activate(version, log=log, action="prompt.promoted", why=reason)


def why_not(version: PromptVersion, active: PromptVersion | None) -> str:
    """What speaks against putting a version to work; empty when nothing does. The paired test has the word."""
    if version == active:
        return _("This version is at work already.")
    told, number = version.metrics.get("comparison", {}), active.number if active else 0
    if not told.get("compared") or told.get("against") != number:
        return _("It was not compared with what is told now; evaluate it on a dataset first.")
    if told["p_worse"] <= SIGNIFICANCE:
        return _("It is worse than what is told now (paired test, p = %(p).4f).") % {"p": told["p_worse"]}
    return ""


def retire(version: PromptVersion, *, by: User, reason: str, origin: str) -> None:
    """Take a version out of use. Where it was at work, the product's own wording is told from the next batch on.

    Raises: Forbidden; Invalid without a reason; Conflict when it is retired already.
    """
    demand(by, PROMOTE)
    reason = checked_reason(reason)
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=version.case_type_id)
        changed = PromptVersion.objects.filter(pk=version.pk).exclude(status=Status.RETIRED)
        if not changed.update(status=Status.RETIRED):
            raise Conflict(_("It is retired already."))
        version.refresh_from_db()
        log("prompt.retired", subject=version, data=_told(version) | {"reason": reason})


def roll_back(case_type: CaseType, *, by: User, origin: str) -> PromptVersion | None:
    """Go back at once to what was told before the version at work: the version before it, or (None) the product's wording.

    Raises: Forbidden; Conflict when no version is at work.
    """
    demand(by, PROMOTE)
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        present = at_work(case_type)
        if present is None:
            raise Conflict(_("%(key)s has no prompt at work to go back from.") % {"key": case_type.key})
        earlier = before(present)
        if earlier is not None:
            activate(earlier, log=log, action="prompt.rolled_back", why=f"from {present.number}")
            return earlier
        PromptVersion.objects.filter(pk=present.pk).update(status=Status.RETIRED)
        log("prompt.rolled_back", subject=present, data=_told(present) | {"to": 0})
    return None


def before(present: PromptVersion) -> PromptVersion | None:
    """The version that was at work last before this one."""
    kept = (Status.RETIRED, Status.SHADOW)  # a trial in the shadow does not take it away
    worked = PromptVersion.objects.filter(case_type=present.case_type_id, status__in=kept, promoted_at__isnull=False)
    return worked.select_related("case_type").order_by("-promoted_at").first()


def activate(version: PromptVersion, *, log: Journal, action: str, why: str) -> None:
    """The version at work is this one from now on; who calls it has checked that it may be, and holds the case type."""
    active = PromptVersion.objects.filter(case_type=version.case_type_id, status=Status.ACTIVE)
    active.exclude(pk=version.pk).update(status=Status.RETIRED)
    version.status, version.promoted_at = Status.ACTIVE, timezone.now()
    version.save(update_fields=["status", "promoted_at"])
    log(action, subject=version, data=_told(version) | {"reason": why})


def _told(version: PromptVersion) -> dict[str, Any]:
    return {"case_type": version.case_type.key, "number": version.number}


def checked_reason(reason: str) -> str:
    """Raises: Invalid without one."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        text = _("Say why, in at most %(most)s characters.") % {"most": LONGEST_REASON}
        raise Invalid(text, errors={"reason": [_("This is needed.")]})
    return reason.strip()
