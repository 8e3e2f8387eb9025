"""What a person may do with a version of a prompt from its page; each act tells in a sentence what came of it."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from cases.access import visible
from cases.admin.base import account
from cases.errors import Missing
from feedback import prompt_rules, prompts, runs, shadow
from feedback.models import Dataset, PromptVersion, Run

ORIGIN = "admin"
LONGEST_NUMBER = 19


def _promote(request: HttpRequest, version: PromptVersion) -> str:
    prompts.put_to_work(version, by=account(request), reason=request.POST.get("reason", ""), origin=ORIGIN)
    return _("Version %(number)s is told from the next batch on.") % {"number": version.number}


def _retire(request: HttpRequest, version: PromptVersion) -> str:
    prompts.retire(version, by=account(request), reason=request.POST.get("reason", ""), origin=ORIGIN)
    return _("Version %(number)s is retired.") % {"number": version.number}


def _roll_back(request: HttpRequest, version: PromptVersion) -> str:
    earlier = prompts.roll_back(version.case_type, by=account(request), origin=ORIGIN)
    if earlier is None:
        return _("The product's own wording is told again.")
    return _("Version %(number)s is at work again.") % {"number": earlier.number}


def _evaluate(request: HttpRequest, version: PromptVersion) -> str:
    own = Dataset.objects.filter(case_type=version.case_type)
    rows = visible(account(request), own, "feedback.view_dataset")
    return _start(request, version, Run.Kind.EVALUATE, _chosen(request, rows))


def _chosen(request: HttpRequest, rows: QuerySet[Dataset]) -> Dataset:
    chosen = request.POST.get("dataset", "")[: LONGEST_NUMBER - 1]
    dataset = rows.filter(pk=int(chosen) if chosen.isascii() and chosen.isdecimal() else 0).first()
    if dataset is None:
        raise Missing(_("Name the dataset to judge it by."))
    return dataset


def _replay(request: HttpRequest, version: PromptVersion) -> str:
    return _start(request, version, Run.Kind.REPLAY, None)


def _shadow(request: HttpRequest, version: PromptVersion) -> str:
    shadow.to_shadow(version, by=account(request), origin=ORIGIN)
    return _("From the next case on it is asked beside what is told now.")


def _unshadow(request: HttpRequest, version: PromptVersion) -> str:
    shadow.out_of_shadow(version, by=account(request), origin=ORIGIN)
    return _("It is asked no more.")


def _allow(request: HttpRequest, version: PromptVersion) -> str:
    dataset = _chosen(request, Dataset.objects.filter(case_type=version.case_type))  # by its name alone
    reason = request.POST.get("reason", "")
    prompt_rules.allow(version, dataset, by=account(request), reason=reason, origin=ORIGIN)
    return _("It goes to work by itself once an evaluation on %(name)s finds it better.") % {"name": dataset.name}


def _forbid(request: HttpRequest, version: PromptVersion) -> str:
    prompt_rules.forbid(version, by=account(request), origin=ORIGIN)
    return _("It does not go to work by itself any more.")


def _start(request: HttpRequest, version: PromptVersion, kind: str, dataset: Dataset | None) -> str:
    runs.start(kind, version.case_type, by=account(request), origin=ORIGIN, prompt=version, dataset=dataset)
    return _("It has started; this page tells how far it is.")


ACTS: dict[str, Callable[[HttpRequest, PromptVersion], str]] = {
    "promote": _promote,
    "retire": _retire,
    "roll_back": _roll_back,
    "evaluate": _evaluate,
    "replay": _replay,
    "shadow": _shadow,
    "unshadow": _unshadow,
    "allow": _allow,
    "forbid": _forbid,
}
