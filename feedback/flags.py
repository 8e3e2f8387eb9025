"""Who lets errors pass: the sequential test on planted wrong outputs, and what follows. For reader and supervisor alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import demand
from cases.audit import Journal, journal
from cases.errors import Conflict, Invalid, Missing
from cases.models import CaseType
from feedback import refreshers
from feedback.models import Flag, Planting, Refresher
from feedback.shares import Share
from feedback.watching import Watch, watch
from review import notices
from review.models import Notice, Policy
from review.profiles import who_may

CLOSE, LEADS_TEAM = "feedback.change_flag", "cases.view_team_auditevent"
FOLLOWS = {
    Policy.OnFlag.WORD: gettext_lazy("Have a word with them."),
    Policy.OnFlag.REFRESHER: gettext_lazy("A refresher round of known cases is open for them."),
    Policy.OnFlag.PAUSE: gettext_lazy("Everything they decide there is read again while the flag is open."),
}
FOLLOWS_FOR_READER = {
    Policy.OnFlag.WORD: gettext_lazy("Your supervisor will have a word with you."),
    Policy.OnFlag.REFRESHER: gettext_lazy("A refresher round is open for you: known cases, unmarked among the others."),
    Policy.OnFlag.PAUSE: gettext_lazy("Everything you decide there is read again while the flag is open."),
}


@dataclass(frozen=True, slots=True)
class Catches:
    """How many of the planted wrong outputs somebody caught, by case type, with a 95 % interval (Clopper–Pearson)."""

    reader: str
    case_type: str
    planted: int
    caught: int

    @property
    def rate(self) -> float:
        return self.caught / self.planted

    @property
    def interval(self) -> tuple[float, float]:
        share = Share(self.caught, self.planted)
        return share.low, share.high


def catches(*, user: User | None = None) -> list[Catches]:
    """Of one reader, or of all by name: an order that ranks nobody."""
    rows = Planting.objects.filter(wrong=True, caught__isnull=False, refresher=None)
    rows = rows.filter(user=user) if user else rows
    keys = rows.values_list("user__username", "case_type__name").order_by("user__username", "case_type__name")
    return [Catches(*row) for row in keys.annotate(count=Count("pk"), hits=Count("pk", filter=Q(caught=True)))]


def look_at(user: User, *, case_type: CaseType, log: Journal) -> Flag | None:
    """Run the test over the reader's answers since their last flag was closed. Opens a flag once; None where none is due."""
    earlier = Flag.objects.filter(user=user, case_type=case_type).order_by("-id").first()
    if earlier is not None and earlier.closed_at is None:
        return None
    rows = _answers(user.pk, case_type.pk, after=earlier.closed_at if earlier else None)
    found = watch(map(bool, rows.values_list("caught", flat=True)))
    return _open(user, case_type, found, log) if found.flagged else None


def close(flag_id: int, *, by: User, note: str, origin: str) -> None:
    """Raises: Forbidden, Missing, Invalid without a note, Conflict for one's own flag or a closed one.

    What followed from the flag ends with it.
    """
    demand(by, CLOSE)
    if not note.strip():
        raise Invalid(_("The flag was not closed."), errors={"note": [_("Say what came of it.")]})
    with journal(actor=by, origin=origin) as log:
        flag = Flag.objects.select_for_update().filter(pk=flag_id).first()
        if flag is None:
            raise Missing(_("There is no such flag."))
        if flag.closed_at is not None or flag.user_id == by.pk:
            raise Conflict(_("The flag is closed, or it is your own."))
        Flag.objects.filter(pk=flag.pk).update(closed_at=Now(), closed_by=by, note=note.strip())
        running = Refresher.objects.filter(flag=flag, ended_at__isnull=True).first()
        if running is not None:
            refreshers.end(running, ending=Refresher.Ending.CLOSED, log=log)
        log("gold.flag_closed", subject=flag, data={"note": note.strip()[:200]})


def answers_of(flag: Flag) -> list[Planting]:
    """The answers that the test had read when the flag was opened, the oldest first."""
    rows = _answers(flag.user_id, flag.case_type_id, after=_closed_before(flag))
    upto = flag.evidence.get("answers", 0)
    return list(rows.select_related("gold", "copy")[:upto])


def paused(user: User) -> list[Flag]:
    """The open flags because of which all that somebody decides is read again."""
    rows = Flag.objects.filter(user=user, closed_at__isnull=True, step=Policy.OnFlag.PAUSE)
    return list(rows.select_related("case_type").order_by("case_type__name"))


def leads() -> QuerySet[User]:
    """Those who lead the team and may close a flag."""
    return User.objects.filter(pk__in=who_may(CLOSE), is_active=True).filter(pk__in=who_may(LEADS_TEAM))


def _answers(user_id: int, case_type_id: int, *, after: datetime | None) -> QuerySet[Planting]:
    rows = Planting.objects.filter(
        user=user_id, case_type=case_type_id, wrong=True, caught__isnull=False, refresher=None
    )
    rows = rows.filter(answered_at__gt=after) if after else rows
    return rows.order_by("answered_at", "id")


def _closed_before(flag: Flag) -> datetime | None:
    earlier = Flag.objects.filter(user=flag.user_id, case_type=flag.case_type_id, pk__lt=flag.pk)
    found: datetime | None = earlier.order_by("-id").values_list("closed_at", flat=True).first()
    return found


def _open(user: User, case_type: CaseType, found: Watch, log: Journal) -> Flag:
    policy = Policy.objects.filter(case_type=case_type, status=Policy.Status.ACTIVE).first()
    step = policy.on_flag if policy else Policy.OnFlag.WORD
    evidence = {"answers": found.answers, "caught": found.caught}
    flag = Flag.objects.create(user=user, case_type=case_type, step=step, evidence=evidence)
    log("gold.flagged", subject=flag, data={"step": step, **evidence})
    if step == Policy.OnFlag.REFRESHER:
        refreshers.open_refresher(flag, log=log)
    _tell(flag, found)
    return flag


def _tell(flag: Flag, found: Watch) -> None:
    """To the person and to those who lead the team, with the case that was met last; to nobody else."""
    last = _answers(flag.user_id, flag.case_type_id, after=None).last()
    if last is None:
        return
    facts = {"case_type": flag.case_type.name, "caught": found.caught, "answers": found.answers}
    own = _("%(case_type)s: of %(answers)d errors planted among your cases you caught %(caught)d.") % facts
    told = _("%(person)s, %(case_type)s: %(caught)d of %(answers)d planted errors caught.")
    theirs = told % {**facts, "person": flag.user.get_username()}
    step, kind, case_id = Policy.OnFlag(flag.step), Notice.Kind.FLAG, last.gold.case_id
    notices.tell([flag.user], kind=kind, case_id=case_id, text=f"{own} {FOLLOWS_FOR_READER[step]}")
    others = leads().exclude(pk=flag.user_id)
    notices.tell(others, kind=kind, case_id=case_id, text=f"{theirs} {FOLLOWS[step]}")
