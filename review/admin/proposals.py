"""The page on which a change of policy is written, tried on last week's cases, and proposed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from cases import conditions
from cases.access import demand
from cases.admin.base import account
from cases.concealment import concealed_ids
from cases.errors import Forbidden, Invalid, Refused
from cases.models.choices import Reason
from review import policies, policy_words
from review.admin.condition_rows import Row
from review.admin.policy_form import PolicyForm, Rule, shown, typed
from review.desk.why import OPERATORS
from review.dry_run import AUTOMATIC, DAYS, replay
from review.models import Calendar, Policy, Queue
from review.policy_rules import Content, canonical, content_of, guard, is_looser

TEMPLATE = "admin/review/policy/propose.html"


def propose_page(request: HttpRequest, policy: Policy) -> HttpResponse:
    """Write a change that starts from this version: the one in force, or an older one to go back to."""
    user = account(request)
    demand(user, "review.add_policy")
    current = policies.in_force([policy.case_type])[policy.case_type_id]
    if request.method != "POST":
        return _page(request, policy, current, shown(content_of(policy), policy.case_type))
    form = typed(request.POST, policy.case_type, kept=content_of(policy))
    wanted = form.content()
    form.tell(guard(policy.case_type, wanted))
    verb = request.POST.get("verb", "")
    if verb == "more" or not _sound(form):
        return _page(request, policy, current, form, status=200 if verb == "more" else 422)
    if verb == "propose":
        return _propose(request, policy, current, form)
    return _page(request, policy, current, form, **trial(request, current, wanted))


def trial(request: HttpRequest, current: Policy, wanted: Content) -> dict[str, Any]:
    """What the change comes to, in words and on last week's cases. What is read blind is counted and not named."""
    old, new, names = content_of(current), canonical(wanted), queue_names()
    found = replay(current.case_type, current, new)
    hidden = concealed_ids(account(request), [one.case_id for one in found.examples])
    return {
        "differences": policy_words.differences(canonical(old), new, queues=names),
        "looser": is_looser(old, new),
        "trial": found,
        "trial_days": DAYS,
        "by_queue": [(names.get(key, key), *pair) for key, pair in found.queues.items() if key != AUTOMATIC],
        "by_reason": [(_reason(key), *pair) for key, pair in found.reasons.items() if key != AUTOMATIC],
        "examples": [
            {
                "case_id": one.case_id,
                "before": _way(one.queue_before, one.reason_before, names),
                "after": _way(one.queue_after, one.reason_after, names),
            }
            for one in found.examples
            if one.case_id not in hidden
        ],
    }


def queue_names() -> dict[str, str]:
    return dict(Queue.objects.values_list("key", "name"))


def _sound(form: PolicyForm) -> bool:
    lines = [*form.shares, *form.seconds, *form.promise, *form.thresholds, *form.sla]
    rows = [*form.second, *(row for rule in form.rules for row in rule.when)]
    beside = [line.problems for line in lines] + [list(row.problems.values()) for row in rows]
    beside += [list(rule.problems.values()) for rule in form.rules]
    return not form.problems and not any(any(one) for one in beside)


def _propose(request: HttpRequest, policy: Policy, current: Policy, form: PolicyForm) -> HttpResponse:
    reason, number = request.POST.get("note", ""), request.POST.get("based_on", "")
    based_on = int(number) if number.isascii() and number.isdecimal() and len(number) < len("9999999999") else None
    try:
        made = policies.propose_policy(
            policy.case_type,
            author=account(request),
            reason=reason,
            origin="admin",
            based_on=based_on,
            **form.content(),
        )
    except Forbidden:
        raise
    except Refused as refusal:
        form.tell(refusal.errors if isinstance(refusal, Invalid) else {"": [refusal.message]})
        return _page(request, policy, current, form, status=refusal.status)
    messages.success(request, _told(made, current))
    return HttpResponseRedirect(reverse("admin:review_policy_change", args=[made.pk]))


def _told(made: Policy, current: Policy) -> str:
    if made.pk == current.pk:
        return _("This is what is in force already; nothing was changed.")
    if made.status == Policy.Status.PROPOSED:
        return _("Version %(number)d is proposed and waits for a second person.") % {"number": made.number}
    return _("Version %(number)d is in force.") % {"number": made.number}


def _page(
    request: HttpRequest, policy: Policy, current: Policy, form: PolicyForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    names = queue_names()
    context = {
        **admin.site.each_context(request),
        "title": _("Change the policy of %(case_type)s") % {"case_type": policy.case_type},
        "opts": Policy._meta,
        "policy": policy,
        "current": current,
        "form": form,
        "failed": bool(form.problems) or status >= HTTPStatus.BAD_REQUEST,
        "note": request.POST.get("note", ""),
        "based_on": request.POST.get("based_on") or current.number,
        "modes": Policy.Mode.choices,
        "on_flag": Policy.OnFlag.choices,
        "calendars": Calendar.objects.values_list("key", "name"),
        "queues": names.items(),
        "reasons": Reason.choices,
        "operators": [(op, OPERATORS.get(op, op)) for op in conditions.OPS],
        "roots": conditions.ROOTS,
        "blank": Row(),
        "blank_rule": Rule(queue=form.otherwise),
        **more,
    }
    return TemplateResponse(request, TEMPLATE, context, status=status)


def policy_or_404(found: Policy | None) -> Policy:
    if found is None:
        raise Http404(_("There is no such policy, or it is not yours to see."))
    return found


def _way(queue: str, reason: str, names: dict[str, str]) -> str:
    return f"{names.get(queue, queue)} ({_reason(reason)})" if queue else _("by policy")


def _reason(reason: str) -> str:
    return str(Reason(reason).label) if reason in Reason.values else reason
