"""A prompt that goes to work by rule: somebody else than its author allows it beforehand, and the evaluation that finds it better puts it there.

What was allowed is judged by the clock on the newest version of its dataset: a day after the last time where the dataset or what is
told now has changed, a week after it in any case, since the examples it is shown change with every correction.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import can, demand
from cases.audit import journal
from cases.errors import Conflict, Forbidden
from cases.models import CaseType
from feedback import prompts
from feedback.evaluation import Comparison
from feedback.models import Dataset, PromptVersion, Run
from feedback.runs import enqueue

DAY, WEEK = timedelta(days=1), timedelta(days=7)
RULE = "rule"
Status = PromptVersion.Status
WAITING = (Status.CANDIDATE, Status.SHADOW, Status.REFUSED)


def allow(version: PromptVersion, dataset: Dataset, *, by: User, reason: str, origin: str) -> None:
    """Let a version go to work as soon as an evaluation on this dataset, or a later version of it, finds it better.

    Raises: Forbidden, also for who composed it; Invalid without a reason; Conflict for a version that waits for nothing,
    and for a dataset of another case type.
    """
    demand(by, prompts.PROMOTE)
    reason = prompts.checked_reason(reason)
    if version.made_by_id == by.pk:
        raise Forbidden(_("You composed this version; somebody else lets the rule decide about it."))
    if dataset.case_type_id != version.case_type_id:
        raise Conflict(_("This dataset is of another case type."))
    told = {"by": by.pk, "name": by.get_username(), "reason": reason, "dataset": dataset.name}
    with journal(actor=by, origin=origin) as log:
        present = PromptVersion.objects.select_for_update().get(pk=version.pk)
        if present.status not in WAITING:
            raise Conflict(_("Only a version that is not at work and not retired can wait for the rule."))
        _keep(present, {**told, "at": timezone.now().isoformat()})
        log("prompt.rule_allowed", subject=present, data={"number": present.number, **told})


def forbid(version: PromptVersion, *, by: User, origin: str) -> None:
    """Take that back.

    Raises: Forbidden; Conflict where the rule was not allowed.
    """
    demand(by, prompts.PROMOTE)
    with journal(actor=by, origin=origin) as log:
        present = PromptVersion.objects.select_for_update().get(pk=version.pk)
        if RULE not in present.metrics:
            raise Conflict(_("The rule was not let decide about this version."))
        _keep(present, None)
        log("prompt.rule_taken_back", subject=present, data={"number": present.number})


def _keep(version: PromptVersion, rule: dict[str, Any] | None) -> None:
    others = {name: value for name, value in version.metrics.items() if name != RULE}
    version.metrics = {**others, RULE: rule} if rule else others
    version.save(update_fields=["metrics"])


def decide(version: PromptVersion, comparison: Comparison, dataset: Dataset, *, origin: str) -> bool:
    """After an evaluation: put the version to work if that was allowed and it is better. Whether it was.

    Better is what it is for a model: the truth surprises it less, and it is not significantly less often right.
    """
    with journal(actor="rule", origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=version.case_type_id)
        present = PromptVersion.objects.select_related("case_type").get(pk=version.pk)
        rule = present.metrics.get(RULE)
        if not rule or present.status not in WAITING or rule["dataset"] != dataset.name:
            return False
        if not (comparison.better and comparison.compared and _still_allowed(rule)):
            return False
        if prompts.why_not(present, prompts.at_work(present.case_type)):  # another went to work meanwhile
            return False
        why = f"{comparison.why}; allowed by {rule['name']}: {rule['reason']}"
        prompts.activate(present, log=log, action="prompt.promoted_by_rule", why=why)
    return True


def _still_allowed(rule: dict[str, Any]) -> bool:
    """Whoever allowed it may still put prompts to work."""
    user = User.objects.filter(pk=rule["by"], is_active=True).first()
    return user is not None and can(user, prompts.PROMOTE)


def judge_what_is_due() -> list[Run]:
    """Start an evaluation of each version that waits for the rule and is due."""
    started = []
    rows = PromptVersion.objects.filter(status__in=WAITING, metrics__has_key=RULE).select_related("case_type")
    for version in rows.order_by("pk"):
        dataset = _newest(version)
        if dataset is None or not is_due(version, dataset):
            continue
        told = {"prompt": version, "dataset": dataset}
        try:
            started.append(enqueue(Run.Kind.EVALUATE, version.case_type, actor="schedule", origin="schedule", **told))
        except Conflict:  # somebody started one at this moment
            continue
    return started


def _newest(version: PromptVersion) -> Dataset | None:
    name = version.metrics[RULE]["dataset"]
    return Dataset.objects.filter(case_type=version.case_type_id, name=name).order_by("-number").first()


def is_due(version: PromptVersion, dataset: Dataset) -> bool:
    """Whether the last attempt is long enough ago for what has changed since."""
    last = Run.objects.filter(prompt=version, kind=Run.Kind.EVALUATE).order_by("-pk").first()
    if last is None:
        return True
    present, told = prompts.at_work(version.case_type), version.metrics
    same_rival = told.get("comparison", {}).get("against") == (present.number if present else 0)
    changed = told.get("dataset") != str(dataset) or not same_rival
    return timezone.now() - last.created_at >= (DAY if changed else WEEK)
