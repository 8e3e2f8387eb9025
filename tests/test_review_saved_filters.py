"""Filters kept under a name: whose they are, who sees them, and who may change them."""

from __future__ import annotations

import pytest

from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import AuditEvent
from review import saved_filters
from review.models import SavedFilter
from review.saved_filters import delete, listed, rename, save, share
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def test_a_filter_is_ones_own_until_it_is_shared() -> None:
    ann, ben = make_user("reviewer"), make_user("reviewer")
    kept = save(ann, page="tasks", name="Late", query="overdue=on")
    assert listed(ann, "tasks") == [kept]
    assert listed(ben, "tasks") == []
    assert listed(ann, "elsewhere") == []
    share(kept.pk, by=ann)
    assert listed(ben, "tasks") == [kept]
    share(kept.pk, by=ann, shared=False)
    assert listed(ben, "tasks") == []


def test_ones_own_stand_before_those_of_others() -> None:
    ann, ben = make_user("reviewer"), make_user("reviewer")
    save(ben, page="tasks", name="aaa", query="", shared=True)
    save(ann, page="tasks", name="zzz", query="")
    assert [one.name for one in listed(ann, "tasks")] == ["zzz", "aaa"]


def test_the_same_name_again_replaces_what_it_stood_for() -> None:
    ann = make_user("reviewer")
    save(ann, page="tasks", name="Late", query="overdue=on")
    save(ann, page="tasks", name=" Late ", query="overdue=on&mine=on")
    [kept] = listed(ann, "tasks")
    assert kept.query == "overdue=on&mine=on"


def test_renaming_keeps_names_apart() -> None:
    ann = make_user("reviewer")
    late, mine = (save(ann, page="tasks", name=name, query="") for name in ("Late", "Mine"))
    assert rename(late.pk, by=ann, name="Too late").name == "Too late"
    with pytest.raises(Conflict):
        rename(mine.pk, by=ann, name="Too late")


def test_nobody_changes_another_persons_filter_but_who_leads_may_end_its_sharing() -> None:
    ann, ben, boss = make_user("reviewer"), make_user("reviewer"), make_user("supervisor")
    kept = save(ann, page="tasks", name="Late", query="", shared=True)
    with pytest.raises(Missing):
        delete(kept.pk, by=ben)
    with pytest.raises(Missing):
        rename(kept.pk, by=boss, name="Mine now")
    with pytest.raises(Missing):
        share(kept.pk, by=ben, shared=False)
    share(kept.pk, by=boss, shared=False)
    assert listed(ben, "tasks") == []
    delete(kept.pk, by=ann)
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "nul\x00", "bell\x07", "half \ud800"])
def test_a_name_is_a_few_printable_letters(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        save(make_user("reviewer"), page="tasks", name=name, query="")
    assert "name" in refusal.value.errors


@pytest.mark.parametrize("query", ["x" * 1001, "a=\x00", "a=é"])
def test_a_query_is_as_a_browser_would_send_it(query: str) -> None:
    with pytest.raises(Invalid):
        save(make_user("reviewer"), page="tasks", name="Late", query=query)


def test_there_is_room_for_a_good_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MOST_PER_PAGE", 2)
    ann = make_user("reviewer")
    for name in ("one", "two"):
        save(ann, page="tasks", name=name, query="")
    with pytest.raises(Conflict):
        save(ann, page="tasks", name="three", query="")
    save(ann, page="tasks", name="two", query="mine=on")


def test_who_may_see_no_tasks_keeps_no_filters() -> None:
    with pytest.raises(Forbidden):
        save(make_user("manager"), page="tasks", name="Late", query="")


def test_every_change_is_in_the_audit_log() -> None:
    ann = make_user("reviewer")
    kept = save(ann, page="tasks", name="Late", query="")
    share(kept.pk, by=ann)
    rename(kept.pk, by=ann, name="Later")
    delete(kept.pk, by=ann)
    told = AuditEvent.objects.filter(action__startswith="filter.").order_by("id").values_list("action", flat=True)
    assert list(told) == ["filter.saved", "filter.shared", "filter.renamed", "filter.deleted"]
