"""Notices: told once, never to the sender, and gone from the bell when seen."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models.choices import State
from review import notices
from review.models import Notice
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db


def test_each_person_is_told_once_and_the_sender_never() -> None:
    sender, other = make_user("reviewer"), make_user("reviewer")
    case = make_case(state=State.IN_REVIEW)
    told = notices.tell([other, sender, other], kind="mention", case_id=case.pk, sender=sender, text="x" * 1000)
    assert told == 1
    (notice,) = notices.unseen(other)
    assert len(notice.text) == notices.LONGEST_TEXT
    assert notices.unseen(sender) == []


def test_what_was_seen_is_not_shown_again_and_only_ones_own_can_be_seen() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    case = make_case(state=State.IN_REVIEW)
    for _ in range(3):
        notices.tell([user, other], kind="late", case_id=case.pk)
    newest, second, _third = notices.unseen(user)
    assert newest.pk > second.pk
    theirs = notices.unseen(other)[0]
    assert notices.see(user, [newest.pk, theirs.pk]) == 1
    assert notices.see(user, [newest.pk]) == 0
    assert [len(notices.unseen(one)) for one in (user, other)] == [2, 3]


def test_the_bell_costs_one_query_however_many_wait() -> None:
    user, case = make_user("reviewer"), make_case(state=State.IN_REVIEW)
    Notice.objects.bulk_create([Notice(user=user, kind="late", case=case) for _ in range(100)])
    with CaptureQueriesContext(connection) as queries:
        assert len(notices.unseen(user)) == notices.MOST_SHOWN
    assert len(queries) == 1
