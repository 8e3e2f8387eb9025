"""What a person sets for themselves, what is set for them, and who is on duty."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import Journal, journal
from cases.errors import Conflict, Invalid
from cases.models import CaseType
from review.models import Profile, Queue, Skill

BACKEND = "django.contrib.auth.backends.ModelBackend"
LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}")
MOST_CLAIMS = 50
MOST_SKILLS = 200
Known = tuple[int | None, str]


def profile_of(user: User) -> Profile:
    """The user's profile; the defaults, unsaved, where nobody has set anything."""
    try:
        return user.profile
    except Profile.DoesNotExist:
        return Profile(user=user)


def save_preferences(user: User, *, time_zone: str, language: str, keys: bool, hints: bool, origin: str) -> Profile:
    """Keep what a person wishes for themselves. An empty zone or language is the installation's.

    Raises: Invalid with the fields that may not be so.
    """
    wishes = {"time_zone": time_zone, "language": language, "keys": keys, "hints": hints}
    if errors := dict(_wrong_wishes(time_zone, language)):
        raise Invalid(_("Your preferences were not saved."), errors=errors)
    with journal(actor=user, origin=origin) as log:
        profile, _new = Profile.objects.update_or_create(user=user, defaults=wishes)
        log("profile.preferences", subject=profile, data=wishes)
    user.profile = profile
    return profile


def set_up(
    user: User,
    *,
    by: User,
    on_duty: bool,
    most_claims: int,
    skills: Collection[Known],
    version: int,
    origin: str,
) -> Profile:
    """Set what a person is there for: on duty or not, the most claims at once, and what they can read.

    ``skills`` are pairs of a case type's id, or None for any, and a language, or nothing for any; none at all means
    everything. ``version`` is that of the profile which was shown, 1 where there was none. Nothing is written when all is
    as asked. Raises: Missing, Forbidden, Invalid, Conflict when somebody else has changed it since.
    """
    demand(by, "auth.change_user", user, see="auth.view_user")
    with journal(actor=by, origin=origin) as log:
        Profile.objects.bulk_create([Profile(user=user)], ignore_conflicts=True)
        profile = Profile.objects.select_for_update().get(user=user)
        if profile.version != version:
            raise Conflict(_("Somebody else has changed this person's work since; open the page again."))
        return write(profile, on_duty=on_duty, most_claims=most_claims, skills=skills, log=log)


def write(profile: Profile, *, on_duty: bool, most_claims: int, skills: Collection[Known], log: Journal) -> Profile:
    """`set_up` inside the caller's journal, on a profile that the caller has locked. Raises: Invalid."""
    wanted = {(case_type, language.lower()) for case_type, language in skills}
    if errors := dict(_wrong_work(most_claims, wanted)):
        raise Invalid(_("The person's work was not changed."), errors=errors)
    before = set(Skill.objects.filter(user=profile.user_id).values_list("case_type_id", "language"))
    if (profile.on_duty, profile.most_claims, before) == (on_duty, most_claims, wanted):
        return profile
    Profile.objects.filter(pk=profile.pk).update(on_duty=on_duty, most_claims=most_claims, version=F("version") + 1)
    Skill.objects.filter(user=profile.user_id).delete()
    Skill.objects.bulk_create(Skill(user_id=profile.user_id, case_type_id=kind, language=tag) for kind, tag in wanted)
    told = {"account": profile.user.get_username(), "on_duty": on_duty, "most_claims": most_claims}
    log("profile.changed", subject=profile, data={**told, "skills": spelled(wanted)})
    profile.refresh_from_db()
    return profile


def spelled(skills: Collection[Known]) -> list[str]:
    """Skills in words that fit on a line: ``receipts es``, with ``*`` for any."""
    keys = dict(CaseType.objects.filter(pk__in=[kind for kind, _tag in skills if kind]).values_list("pk", "key"))
    return sorted(f"{keys.get(kind, '?') if kind else '*'} {tag or '*'}" for kind, tag in skills)


def on_duty_in(queue: Queue) -> QuerySet[User]:
    """Those on duty who may claim from the queue: whom an urgent or a late task is told to."""
    return working_in(queue).filter(profile__on_duty=True)


def working_in(queue: Queue) -> QuerySet[User]:
    """Everybody who may claim from the queue."""
    members = Q(groups__in=queue.groups.values("pk"))
    if queue.kind == Queue.Kind.QUALITY:
        working = members & Q(pk__in=who_may("review.work_quality_queues"))
    else:
        working = (members | Q(pk__in=who_may("review.work_every_queue"))) & Q(
            pk__in=who_may("review.work_ordinary_queues")
        )
    claimers = User.objects.filter(working, is_active=True, pk__in=who_may("review.claim_reviewtask"))
    return claimers.distinct().order_by("pk")


def who_may(verb: str) -> QuerySet[User, int]:
    """The ids of the accounts whose groups give them this verb."""
    return User.objects.with_perm(verb, backend=BACKEND).values_list("pk", flat=True)


def _wrong_wishes(time_zone: str, language: str) -> Iterator[tuple[str, Sequence[str]]]:
    if time_zone and time_zone not in available_timezones():
        yield "time_zone", [_("There is no time zone of this name.")]
    if language and language not in dict(settings.LANGUAGES):
        yield "language", [_("The pages are not written in this language.")]


def _wrong_work(most_claims: int, skills: Collection[Known]) -> Iterator[tuple[str, Sequence[str]]]:
    if not 1 <= most_claims <= MOST_CLAIMS:
        yield "most_claims", [_("A whole number from 1 to %(high)d is needed.") % {"high": MOST_CLAIMS}]
    if len(skills) > MOST_SKILLS:
        yield "skills", [_("At most %(limit)d skills can be noted down.") % {"limit": MOST_SKILLS}]
    wrong = sorted(tag for _kind, tag in skills if tag and not LANGUAGE_TAG.fullmatch(tag))
    if wrong:
        yield "skills", [_("This is no language: %(tags)s. Use tags such as es or pt-br.") % {"tags": ", ".join(wrong)}]
