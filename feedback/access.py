"""Row rules of what was learnt: it is as visible as the case it came from."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q

from cases.access import EVERYTHING, NOTHING, scope_of
from cases.scopes import sees_every_case, with_their_cases
from feedback.models import Correction, Dataset, Flag, GoldCase, OutcomeReport, Round, Sample, SecondRead


@scope_of(Correction)
def corrections(user: User, verb: str) -> Q:
    return with_their_cases(user)


@scope_of(Sample)
def samples(user: User, verb: str) -> Q:
    return with_their_cases(user)


@scope_of(OutcomeReport)
def outcome_reports(user: User, verb: str) -> Q:
    return with_their_cases(user)


@scope_of(SecondRead)
def second_reads(user: User, verb: str) -> Q:
    return with_their_cases(user, "decision__case")


@scope_of(Dataset)
def datasets(user: User, verb: str) -> Q:
    """A dataset holds cases of every queue."""
    return EVERYTHING if sees_every_case(user) else NOTHING


@scope_of(Round)
def rounds(user: User, verb: str) -> Q:
    """A round draws from cases of every queue."""
    return EVERYTHING if sees_every_case(user) else NOTHING


@scope_of(GoldCase)
def gold_cases(user: User, verb: str) -> Q:
    return EVERYTHING if sees_every_case(user) else NOTHING


@scope_of(Flag)
def flags(user: User, verb: str) -> Q:
    """Nobody but who leads or audits, and never one's own to close."""
    return EVERYTHING if sees_every_case(user) else NOTHING
