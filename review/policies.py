"""Policies: proposed by one person, loosened only with another's approval, tightened at once, never edited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import Actor, Journal, journal
from cases.errors import Conflict, Invalid
from cases.models import CaseType
from review.models import Calendar, Policy, Queue, RoutingRule
from review.policy_rules import COLUMNS, canonical, content_of, guard, is_looser, starting_content

FRONT_DESK = "front-desk"
STANDARD_QUEUES: dict[str, tuple[str, str, list[str]]] = {  # nobody needs to configure them; made when first named
    FRONT_DESK: ("Front desk", Queue.Kind.GENERAL.value, ["reviewer", "expert"]),
    "experts": ("Experts", Queue.Kind.EXPERT.value, ["expert"]),
    "supervisors": ("Supervisors", Queue.Kind.SUPERVISOR.value, ["supervisor"]),
    "fast-track": ("Fast track", Queue.Kind.FAST_TRACK.value, ["reviewer", "expert"]),
}


def in_force(case_types: Iterable[CaseType]) -> dict[int, Policy]:
    """The active policy of each case type by the type's id, with its rules and their queues at hand.

    A case type that has none is given its first: a validator, so that nothing happens without a person.
    """
    wanted = {case_type.pk: case_type for case_type in case_types}
    found = _active(wanted)
    missing = [case_type for pk, case_type in wanted.items() if pk not in found]
    for case_type in missing:
        start_policy(case_type)
    return _active(wanted) if missing else found


def start_policy(case_type: CaseType) -> None:
    """Give a case type its first policy, unless somebody just did."""
    with journal(actor="policy", origin="system") as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        if not Policy.objects.filter(case_type=case_type, status=Policy.Status.ACTIVE).exists():
            put_in_force(
                case_type, starting_content(front_desk().key), author="policy", reason=_("A new case type."), log=log
            )


def front_desk() -> Queue:
    """Where a case goes for which no queue was configured; made with those in it whose work it is."""
    name, kind, groups = STANDARD_QUEUES[FRONT_DESK]
    queue, new = Queue.objects.get_or_create(key=FRONT_DESK, defaults={"name": name, "kind": kind})
    if new:
        queue.groups.add(*Group.objects.filter(name__in=groups))
    return queue


def propose_policy(
    case_type: CaseType, *, author: User, reason: str, origin: str = "api", based_on: int | None = None, **content: Any
) -> Policy:
    """Propose a change: the fields given, over what is in force. A looser one waits for a second person.

    A change that is as tight or tighter is in force when this returns; one that changes nothing makes no new version.
    ``based_on`` is the number of the version that the author had before them. Raises: Forbidden, Invalid with the fields
    that may not be so, Conflict when another version came into force since.
    """
    demand(author, "review.add_policy")
    _demand_reason(reason)
    with journal(actor=author, origin=origin) as log:
        current = _locked_policy(case_type)
        _demand_current(current, based_on)
        wanted = {**content_of(current), **content}
        _demand_allowed(case_type, wanted)
        wanted = canonical(wanted)
        if wanted == canonical(content_of(current)):
            return current
        looser = is_looser(content_of(current), wanted)
        policy = _write(case_type, wanted, author=author, reason=reason, log=log, looser=looser)
        if not looser:
            _activate(policy, approver="", log=log)
        return policy


def approve_policy(policy: Policy, *, approver: User, origin: str = "api") -> Policy:
    """Put a proposed policy in force.

    Raises: Missing, Forbidden (one's own proposal too), Conflict when it is no longer proposed or a newer one is in
    force, Invalid when the case type has changed so that it is no longer allowed.
    """
    demand(approver, "review.approve_policy", policy, see="review.view_policy")
    with journal(actor=approver, origin=origin) as log:
        proposed, current = _proposed(policy)
        if current.number > proposed.number:
            raise Conflict(
                _("Policy %(number)d came into force since; propose the change again.") % {"number": current.number}
            )
        _demand_allowed(proposed.case_type, content_of(proposed))
        log("policy.approved", subject=proposed, data=_told(proposed))
        _activate(proposed, approver=approver.get_username(), log=log)
        return proposed


def refuse_policy(policy: Policy, *, approver: User, reason: str = "", origin: str = "api") -> Policy:
    """Turn a proposed policy down. Raises: Missing, Forbidden, Conflict when it is no longer proposed."""
    demand(approver, "review.approve_policy", policy, see="review.view_policy")
    with journal(actor=approver, origin=origin) as log:
        proposed, _current = _proposed(policy)
        _mark(proposed, status=Policy.Status.REFUSED, approver=approver.get_username())
        log("policy.refused", subject=proposed, data={**_told(proposed), "reason": reason})
        return proposed


def stop_automation(case_type: CaseType, *, by: User, reason: str, origin: str = "api") -> Policy:
    """From now on a person approves everything of this case type. On again is a looser policy, so a second person's word.

    Raises: Forbidden, Invalid without a reason.
    """
    demand(by, "review.stop_policy")
    _demand_reason(reason)
    with journal(actor=by, origin=origin) as log:
        current = _locked_policy(case_type)
        if current.mode == Policy.Mode.VALIDATOR:
            return current
        log("policy.stopped", subject=current, data={**_told(current), "reason": reason})
        stopped = {**content_of(current), "mode": str(Policy.Mode.VALIDATOR.value)}
        policy = _write(case_type, stopped, author=by, reason=reason, log=log)  # no guard: a stop is never refused
        _activate(policy, approver="", log=log)
        return policy


def put_in_force(
    case_type: CaseType, content: Mapping[str, Any], *, author: Actor, reason: str, log: Journal, approver: str = ""
) -> Policy:
    """Write the next version and make it the active one, inside the caller's journal. The hard guards hold for everyone.

    Raises: Invalid with the fields that may not be so.
    """
    _demand_allowed(case_type, content)
    policy = _write(case_type, canonical(content), author=author, reason=reason, log=log)
    _activate(policy, approver=approver, log=log)
    return policy


def _active(ids: Iterable[int]) -> dict[int, Policy]:
    rows = Policy.objects.filter(case_type__in=list(ids), status=Policy.Status.ACTIVE)
    return {
        policy.case_type_id: policy
        for policy in rows.select_related("case_type", "calendar").prefetch_related("rules__queue")
    }


def _locked_policy(case_type: CaseType) -> Policy:
    """What is in force, while nobody else can change it: the case type's row is the lock."""
    CaseType.objects.select_for_update().get(pk=case_type.pk)
    return in_force([case_type])[case_type.pk]


def _proposed(policy: Policy) -> tuple[Policy, Policy]:
    current = _locked_policy(policy.case_type)
    proposed = Policy.objects.select_related("case_type").get(pk=policy.pk)
    if proposed.status != Policy.Status.PROPOSED:
        state = proposed.get_status_display()
        raise Conflict(
            _("This policy is %(state)s; only a proposed one can be approved or refused.") % {"state": state}
        )
    return proposed, current


def _write(
    case_type: CaseType,
    content: Mapping[str, Any],
    *,
    author: Actor,
    reason: str,
    log: Journal,
    looser: Iterable[str] = (),
) -> Policy:
    newest = Policy.objects.filter(case_type=case_type).aggregate(newest=Max("number"))["newest"] or 0
    policy = Policy.objects.create(
        case_type=case_type,
        number=newest + 1,
        change_reason=reason,
        author=author if isinstance(author, str) else author.get_username(),
        author_account=author if isinstance(author, User) else None,
        calendar=Calendar.objects.get(key=content["calendar"]) if content["calendar"] else None,
        **{name: content[name] for name in COLUMNS},
    )
    queues = {queue.key: queue for queue in Queue.objects.all()}
    lines = [{**rule, "queue": queues[rule["queue"]]} for rule in content["routing"]]
    RoutingRule.objects.bulk_create(
        RoutingRule(policy=policy, position=n, **line) for n, line in enumerate(lines, start=1)
    )
    log("policy.proposed", subject=policy, data={**_told(policy), "reason": reason, "looser": list(looser)})
    return policy


def _activate(policy: Policy, *, approver: str, log: Journal) -> None:
    active = Policy.objects.filter(case_type=policy.case_type_id, status=Policy.Status.ACTIVE)
    active.update(status=Policy.Status.RETIRED)
    _mark(policy, status=Policy.Status.ACTIVE, approver=approver, activated_at=timezone.now())
    log("policy.activated", subject=policy, data=_told(policy))


def _mark(policy: Policy, **columns: Any) -> None:
    """Change where a policy stands; what it says is never touched."""
    Policy.objects.filter(pk=policy.pk).update(**columns)
    for name, value in columns.items():
        setattr(policy, name, value)


def _told(policy: Policy) -> dict[str, Any]:
    return {"case_type": policy.case_type.key, "number": policy.number, "mode": str(policy.mode)}


def _demand_allowed(case_type: CaseType, content: Mapping[str, Any]) -> None:
    if errors := guard(case_type, content):
        raise Invalid(_("The policy was not accepted."), errors=errors)


def _demand_current(current: Policy, based_on: int | None) -> None:
    if based_on is not None and based_on != current.number:
        words = _("Policy %(number)d came into force since you opened this; look at what changed, and propose again.")
        raise Conflict(words % {"number": current.number})


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(_("The policy was not changed."), errors={"reason": [_("Say why; it is kept in the audit log.")]})
