"""Presence: people who look at the same case at the same moment know of each other."""

from __future__ import annotations

import pytest
from django.utils import translation

from review import presence
from review.models import Presence
from tests.factories import make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def test_people_on_one_task_are_told_of_each_other_until_they_are_gone() -> None:
    task, rita, edith = make_task(), make_user("reviewer"), make_user("reviewer")
    assert presence.arrive(task.pk, rita) == []
    assert presence.arrive(task.pk, edith) == [rita.username]
    assert presence.arrive(task.pk, rita) == [edith.username]
    assert presence.others(make_task().pk, rita) == []
    Presence.objects.filter(user=edith).update(seen_at="2020-01-01T00:00Z")
    assert presence.arrive(task.pk, rita) == []
    assert Presence.objects.count() == 2
    assert presence.forget_the_gone() == 1


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], ""),
        (["rita"], "rita is looking at this case too."),
        (["edith", "rita"], "edith and rita are looking at this case too."),
        (list("abcdef"), "a, b, c, d, e and others are looking at this case too."),
    ],
)
def test_presence_is_told_in_words(names: list[str], told: str) -> None:
    with translation.override("en"):
        assert presence.in_words(names) == told
