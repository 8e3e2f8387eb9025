"""What a person can read: case types and languages. Who has no skill noted down can read everything.

A skill in a language covers its regions (``pt`` reads ``pt-br``), and a case that names no language is for everybody
who knows its type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from review.models import ReviewTask, Skill
from review.planted import not_for, not_for_sql

Known = tuple[int | None, str]
MOST_COUNTED = 10_000
MOST_LINES = 4  # above which they are looked for together: who knows as much as that soon finds something


def skills_of(user: User) -> list[Known]:
    """The case type (None for any) and the language (empty for any) of each skill, read once per instance."""
    if "_skills" not in vars(user):
        rows = Skill.objects.filter(user=user).order_by("pk").values_list("case_type_id", "language")
        vars(user)["_skills"] = [(case_type, language.lower()) for case_type, language in rows]
    found: list[Known] = vars(user)["_skills"]
    return [] if (None, "") in found else found


def readable(user: User) -> Q:
    """The tasks that are within the user's skills and that they may be given."""
    found = Q()
    for case_type, language in skills_of(user):
        within = Q(case_type=case_type) if case_type else Q()
        if language:
            within &= Q(language__in=["", language]) | Q(language__startswith=f"{language}-")
        found |= within
    return found & ~not_for(user)


def readable_sql(user: User) -> tuple[str, list[Any]]:
    """The same as a condition on ``review_reviewtask t`` and its parameters, for one task: what is in the user's own
    hands passes too. Nothing for who can read everything."""
    known = not_for_sql(user)
    lines = [_line(case_type, language) for case_type, language in skills_of(user)]
    return _any_of([*lines, ("t.assignee_id = %s", [user.pk])] if lines else [], known)


def readable_lines(user: User) -> list[tuple[str, list[Any]]]:
    """The same as conditions of which a task fits at least one, each such that an index finds its first task: all of
    them at once would be looked for among all that waits, however rare they are."""
    known = not_for_sql(user)
    lines = [_line(case_type, language) for case_type, language in skills_of(user)]
    if not lines or len(lines) > MOST_LINES:
        return [_any_of(lines, known)]
    return [_any_of([line], known) for line in lines]


def _any_of(lines: Sequence[tuple[str, list[Any]]], known: str) -> tuple[str, list[Any]]:
    text = " OR ".join(f"({sql})" for sql, _values in lines)
    fits = f" AND ({text})" if text else ""
    return f"{fits}{known}", [value for _sql, more in lines for value in more]


def _line(case_type: int | None, language: str) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if case_type:
        parts, values = ["t.case_type_id = %s"], [case_type]
    if language:
        glob, every = ("GLOB", "*") if connection.vendor == "sqlite" else ("LIKE", "%")
        parts.append(f"(t.language IN ('', %s) OR t.language {glob} %s)")
        values += [language, f"{language}-{every}"]
    return " AND ".join(parts), values


def waiting_within(user: User, queues: Collection[int]) -> int | None:
    """How many free tasks of these queues the user can read, up to `MOST_COUNTED`; None for who can read everything."""
    if not skills_of(user):
        return None
    return ReviewTask.objects.free().filter(readable(user), queue__in=queues)[:MOST_COUNTED].count()


def fits(known: Collection[Known], *, case_type: int, language: str) -> bool:
    """Whether somebody with these skills can read a task of that type and language."""
    languages = {"", language, *(language[:cut] for cut, letter in enumerate(language) if letter == "-")}
    return not known or any(kind in (None, case_type) and (not language or tag in languages) for kind, tag in known)


def outside(user: User, task: ReviewTask) -> str:
    """In words, what the user would have to know to read this task; empty when they can."""
    if ReviewTask.objects.filter(readable(user), pk=task.pk).exists():
        return ""
    return _("This task is outside your skills: it needs %(case_type)s%(language)s.") % _needed(task)


def _needed(task: ReviewTask) -> Mapping[str, str]:
    language = _(" in the language %(tag)s") % {"tag": task.language} if task.language else ""
    return {"case_type": task.case_type.name, "language": language}
