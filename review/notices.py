"""What one person should know of, until they have seen it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.contrib.auth.models import User
from django.db.models.functions import Now

from review.models import Notice, ReviewTask

MOST_SHOWN = 20
LONGEST_TEXT = 300


def tell(
    people: Iterable[User],
    *,
    kind: str,
    case_id: int,
    task: ReviewTask | None = None,
    sender: User | None = None,
    text: str = "",
) -> int:
    """Write a notice to each of these people, once and never to the sender; call it in the transaction of the verb.

    The caller answers for it that they may see the case. ``text`` is cut where it is too long. Returns how many were told.
    """
    told = {person.pk for person in people} - {sender.pk if sender else None}
    short = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
    same = {"kind": kind, "case_id": case_id, "task": task, "sender": sender, "text": short}
    Notice.objects.bulk_create([Notice(user_id=pk, **same) for pk in sorted(told)])
    return len(told)


def unseen(user: User) -> list[Notice]:
    """The newest notices that the person has not seen yet, at most `MOST_SHOWN`."""
    rows = Notice.objects.filter(user=user, seen_at__isnull=True).select_related("sender")
    return list(rows.order_by("-id")[:MOST_SHOWN])


def see(user: User, ids: Collection[int]) -> int:
    """Note down that the person has seen these of their notices. Returns how many were new to them."""
    return Notice.objects.filter(user=user, pk__in=ids, seen_at__isnull=True).update(seen_at=Now())


def forget(case_ids: Sequence[int]) -> None:
    Notice.objects.filter(case__in=case_ids).delete()
