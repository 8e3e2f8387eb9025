"""Loading the demonstration: whole or not at all, with accounts that open and settings that stay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import RequestFactory

from cases.models import AuditEvent, Case
from feedback.models import ModelVersion
from hitl_project.configuration import applying, reading
from hitl_project.demo import accounts, aftermath, oversight, people
from hitl_project.demo.feeding import feed
from tests.demo_office import load, own_ground

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too, pytest.mark.usefixtures("redis")]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Path]:
    with own_ground(tmp_path):
        yield tmp_path


def test_a_second_load_changes_nothing_and_numbers_go_on_behind_the_first(ground: Path) -> None:
    count = load(days=2)
    events = AuditEvent.objects.count()
    assert load(days=2) == 0
    assert (Case.objects.count(), AuditEvent.objects.count()) == (count, events)
    highest = Case.objects.latest("pk").pk
    assert feed(threading.Event(), every=0.01, limit=3) == 3
    assert list(Case.objects.order_by("pk").values_list("pk", flat=True)[count:]) == [highest + n for n in (1, 2, 3)]


def test_a_load_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, ground: Path) -> None:
    def broken(_book: object) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(aftermath, "write_feedback", broken)
    with pytest.raises(DatabaseError):
        load(days=2)
    assert not Case.objects.exists()
    assert not User.objects.filter(username="rita").exists()
    assert not ModelVersion.objects.exists()
    assert not [path for path in ground.rglob("*") if path.is_file()]


def test_the_feed_ends_as_soon_as_it_is_told_to() -> None:
    stopped = threading.Event()
    stopped.set()
    assert feed(stopped, every=3600) == 0


def test_applying_the_organisation_again_changes_nothing() -> None:
    document = reading.read(oversight.FILE.read_bytes())
    changes, _notices = applying.apply(document, origin="demo", reason="once")
    assert changes
    assert applying.apply(document, origin="demo", reason="twice")[0] == []


@pytest.mark.parametrize("person", people.PEOPLE, ids=lambda person: person.username)
def test_everyone_can_sign_in_with_the_password_that_is_printed(person: people.Person) -> None:
    _people()
    user = authenticate(RequestFactory().post("/"), username=person.username, password=person.password)
    assert isinstance(user, User)
    assert list(user.groups.values_list("name", flat=True)) == [person.role]


def _people() -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        accounts.make_people(accounts.begin_hashing(pool))
