"""What people write beside a case for each other. Who is named with an @ is told, if they may see the case."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.access import can, visible
from cases.audit import Journal, journal
from cases.errors import Forbidden, Invalid, Missing
from cases.models import Case
from review import notices
from review.models import Note, Notice, ReviewTask

COMMENT = "cases.comment_case"
LONGEST = 4000
MOST_SHOWN = 50
MOST_NAMED = 20
MENTION = re.compile(r"(?<![\w@.+-])@([\w.+-]{1,150})")  # not the second half of an e-mail address


@dataclass(frozen=True, slots=True)
class Written:
    """A note, who was told of it, and which names it mentions without anybody being told."""

    note: Note
    told: list[str]
    untold: list[str]


def write(case_id: int, *, author: User, text: str, origin: str) -> Written:
    """Write a note on a case and tell the people it mentions.

    Raises: Missing where the author may not see the case, Forbidden where they may not comment on it, Invalid without text.
    """
    case = commented(case_id, author=author)
    with journal(actor=author, origin=origin) as log:
        note = put(case, author=author, text=text, log=log)
        named = mentioned(note.text)
        told = [person for person in _accounts(named) if can(person, "cases.view_case", case)]
        task = ReviewTask.objects.open().filter(case=case).first()
        notices.tell(told, kind=Notice.Kind.MENTION, case_id=case.pk, task=task, sender=author, text=note.text)
    names = {person.get_username() for person in told}
    return Written(note, sorted(names), [name for name in named if not {name, name.rstrip(".")} & names])


def put(case: Case, *, author: User, text: str, log: Journal) -> Note:
    """`write` inside the caller's journal, telling nobody. Raises: Invalid without text."""
    note = Note.objects.create(case=case, author=author, text=checked(text))
    log("case.noted", case_id=case.pk, subject=note)
    return note


def checked(text: str, *, field: str = "text") -> str:
    """The text without what no database keeps.

    Raises: Invalid when nothing is left or it is too long.
    """
    kept = text.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode().strip()
    if not kept:
        raise Invalid(_("Nothing was written."), errors={field: [_("Write something first.")]})
    if len(kept) > LONGEST:
        words = _("At most %(limit)d characters.") % {"limit": LONGEST}
        raise Invalid(_("Nothing was written."), errors={field: [words]})
    return kept


def mentioned(text: str) -> list[str]:
    """The names that follow an @, each once in the order they come, at most `MOST_NAMED`."""
    return list(dict.fromkeys(MENTION.findall(text)))[:MOST_NAMED]


def notes_on(case: Case) -> list[Note]:
    """The newest notes, the oldest of them first."""
    rows = Note.objects.filter(case=case).select_related("author").order_by("-id")[:MOST_SHOWN]
    return list(reversed(rows))


def commented(case_id: int, *, author: User) -> Case:
    """The case, if the author may write beside it.

    Raises: Missing, Forbidden.
    """
    seen = visible(author, Case.everything.light(), "cases.view_case").filter(pk=case_id).first()
    if seen is None:
        raise Missing(_("There is no such case, or it is not yours to see."))
    if not can(author, COMMENT, seen):
        raise Forbidden(_("You may see this case and not write beside it."))
    return seen


def forget(case_ids: Sequence[int]) -> None:
    Note.objects.filter(case__in=case_ids).delete()


def _accounts(names: Collection[str]) -> list[User]:
    """The accounts behind these names; a full stop after a name may end the sentence."""
    spelled = {*names, *(name.rstrip(".") for name in names)}
    return list(User.objects.filter(username__in=spelled, is_active=True).order_by("pk"))
