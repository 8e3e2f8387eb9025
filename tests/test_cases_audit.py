"""The journal: what a verb did is written with it or not at all, and never changed afterwards."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from cases import hooks
from cases.audit import journal, settled_id
from cases.models import AuditEvent, AuditSeal
from tests.factories import make_case, make_user

TABLES = ["cases_auditevent", "cases_auditseal"]


@pytest.fixture
def event(db: None) -> AuditEvent:
    with journal(actor="test", origin="test") as log:
        log("case.looked_at", case_id=7, data={"a": 1})
    return AuditEvent.objects.latest("id")


@pytest.fixture
def seal_row(event: AuditEvent) -> AuditSeal:
    return AuditSeal.objects.create(
        first_event=event.pk, last_event=event.pk, count=1, leaves=b"x", digest=f"{event.pk:064}"
    )


def refused(statement: str) -> str:
    with pytest.raises(DatabaseError) as told, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return str(told.value)


def test_events_are_written_when_the_verb_ends_with_who_and_what(db: None) -> None:
    user, case = make_user("reviewer"), make_case()
    with journal(actor=user, origin="api") as log:
        log("case.looked_at", case_id=case.pk, subject=case, data={"text": 'ä\u200b"\\'})
        assert not AuditEvent.objects.filter(actor_id=user.pk).exists()
    made = AuditEvent.objects.get(actor_id=user.pk)
    assert (made.actor, made.origin, made.object_type, made.object_id) == (user.username, "api", "case", case.pk)
    assert made.data == {"text": 'ä\u200b"\\'}


def test_a_verb_that_fails_leaves_neither_its_rows_nor_its_events(db: None) -> None:
    case, events = make_case(), AuditEvent.objects.count()

    def fails() -> None:
        with journal(actor="test", origin="test") as log:
            type(case).objects.filter(pk=case.pk).update(label="changed")
            log("case.changed", case_id=case.pk)
            raise ValueError

    with pytest.raises(ValueError):
        fails()
    case.refresh_from_db()
    assert case.label == ""
    assert AuditEvent.objects.count() == events


def test_an_event_outlives_the_account_that_caused_it(db: None) -> None:
    user = make_user()
    name, pk = user.username, user.pk
    with journal(actor=user, origin="api") as log:
        log("case.looked_at")
    user.delete()
    assert AuditEvent.objects.get(actor_id=pk).actor == name


@pytest.mark.postgres_too
@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_to_change_the_audit_log(seal_row: AuditSeal, table: str) -> None:
    assert "append-only" in refused(f"UPDATE {table} SET id = id")


@pytest.mark.postgres_too
@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_to_delete_from_the_audit_log(seal_row: AuditSeal, table: str) -> None:
    assert "append-only" in refused(f"DELETE FROM {table}")


@pytest.mark.postgres_too
def test_the_orm_cannot_change_or_delete_an_event_either(event: AuditEvent) -> None:
    event.action = "something.else"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        event.save()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        event.delete()


@pytest.mark.postgres_too
def test_the_database_refuses_to_replace_or_empty_the_audit_log(seal_row: AuditSeal) -> None:
    if connection.vendor == "postgresql":
        statements = [f"TRUNCATE {table} CASCADE" for table in TABLES]
        statements.append("SET LOCAL session_replication_role = replica; DELETE FROM cases_auditevent")
    else:
        statements = [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}" for table in TABLES]
    for statement in statements:
        assert "append-only" in refused(statement)


@pytest.mark.postgres_too
@pytest.mark.django_db(transaction=True)
def test_an_id_is_settled_only_when_every_writer_before_it_has_ended() -> None:
    """A writer that has taken its id and not committed holds the reader back, so no gap can fill behind the reader."""
    if connection.vendor != "postgresql":
        with journal(actor="test", origin="test") as log:
            log("test.first")
        assert settled_id(AuditEvent) == AuditEvent.objects.latest("id").pk
        return
    under_way, may_end, settled = threading.Event(), threading.Event(), []

    def writes() -> None:
        with journal(actor="slow", origin="test") as log:
            log("test.first")
            log.write()
            under_way.set()
            may_end.wait(10)
        connection.close()

    def reads() -> None:
        settled.append(settled_id(AuditEvent))
        connection.close()

    writer, reader = threading.Thread(target=writes), threading.Thread(target=reads)
    writer.start()
    assert under_way.wait(10)
    reader.start()
    reader.join(0.5)
    assert settled == []
    may_end.set()
    writer.join(10)
    reader.join(10)
    assert settled == [AuditEvent.objects.filter(actor="slow").latest("id").pk]


calls: list[str] = []


def breaks(*, case_id: int) -> None:
    calls.append(f"breaks {case_id}")
    raise RuntimeError("the hook broke")


def test_a_hook_that_breaks_takes_its_caller_back_with_it(db: None, settings: pytest.FixtureRequest) -> None:
    settings.HOOKS = {"thing_done": ["tests.test_cases_audit.breaks"]}  # type: ignore[attr-defined]
    case = make_case()

    def verb() -> None:
        with journal(actor="test", origin="test") as log:
            log("thing.done", case_id=case.pk)
            hooks.call("thing_done", case_id=case.pk)

    with pytest.raises(RuntimeError):
        verb()
    assert not AuditEvent.objects.filter(action="thing.done", case_id=case.pk).exists()
    assert calls == [f"breaks {case.pk}"]
    hooks.call("nobody_listens")
