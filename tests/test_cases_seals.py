"""Seals: whatever is done to a sealed event is found, and the command says so with its exit code."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from cases import seals
from cases.audit import journal
from cases.models import AuditEvent, AuditSeal

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture(autouse=True)
def earlier(request: pytest.FixtureRequest) -> None:
    """The log outlives every test that commits: what is there already is sealed before a test begins."""
    marks = request.node.iter_markers("django_db")
    request.getfixturevalue("transactional_db" if any(mark.kwargs.get("transaction") for mark in marks) else "db")
    seals.seal()


def happen(count: int = 5) -> list[int]:
    with journal(actor="test", origin="test") as log:
        for number in range(count):
            log("test.happened", case_id=number, data={"n": number, "ratio": 0.1, "text": "ä"})
    return list(AuditEvent.objects.order_by("-id").values_list("id", flat=True)[:count])[::-1]


@contextmanager
def tampering() -> Iterator[None]:
    """As somebody with the owner's rights on the database could."""
    triggers = ("no_change", "no_truncate") if connection.vendor == "postgresql" else ()
    with connection.cursor() as cursor:
        for table in ("cases_auditevent", "cases_auditseal"):
            for trigger in triggers:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_{trigger}")
            if not triggers:
                for name in ("no_update", "no_delete", "no_replace"):
                    cursor.execute(f"DROP TRIGGER {table}_{name}")
    yield


def run(sql: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def verified() -> tuple[int, dict[str, object]]:
    out, code = StringIO(), 0
    try:
        call_command("verify_audit", "--json", stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue())


def test_an_untouched_log_verifies_with_a_count_and_a_head() -> None:
    happen(5)
    code, verdict = verified()
    assert code == 0
    assert verdict["broken"] is None
    assert verdict["events"] == verdict["sealed"] == AuditEvent.objects.count()
    assert verdict["head"] == AuditSeal.objects.latest("id").digest


def test_a_seal_continues_the_one_before_it() -> None:
    happen(3)
    assert seals.seal() == 3
    happen(2)
    assert seals.seal() == 2
    assert seals.seal() == 0
    second, first = AuditSeal.objects.order_by("-id")[:2]
    assert second.previous == first.digest
    assert second.first_event > first.last_event
    assert seals.verify().broken is None


def test_a_long_log_is_sealed_in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "RUN", 4)
    before = AuditSeal.objects.count()
    happen(10)
    assert seals.seal() == 10
    assert AuditSeal.objects.count() == before + 3
    assert seals.verify().broken is None


@pytest.mark.parametrize(
    "change",
    [
        "action = 'case.closed'",
        "actor = 'somebody else'",
        "actor_id = 4711",
        "case_id = 4711",
        "origin = 'admin'",
        "object_type = 'case'",
        "request_id = 'r'",
        "data = '{\"n\": 99}'",
        "at = '2020-01-01 00:00:00+00:00'",
    ],
)
def test_a_changed_event_is_named(change: str) -> None:
    ids = happen(5)
    seals.seal()
    with tampering():
        run(f"UPDATE cases_auditevent SET {change} WHERE id = %s", ids[2])
    code, verdict = verified()
    assert (code, verdict["broken"]) == (1, ids[2])


@pytest.mark.parametrize("position", [0, 2, 4])
def test_a_removed_event_is_named_at_the_start_in_the_middle_and_at_the_end(position: int) -> None:
    ids = happen(5)
    seals.seal()
    with tampering():
        run("DELETE FROM cases_auditevent WHERE id = %s", ids[position])
    code, verdict = verified()
    assert (code, verdict["broken"]) == (1, ids[position])


def test_an_event_slipped_into_a_gap_is_named() -> None:
    ids = happen(5)
    gap = ids[-1] + 1
    run_event = (
        "INSERT INTO cases_auditevent (id, action, actor, origin, object_type, request_id, data) "
        "VALUES (%s, 'test.happened', 'test', 'test', '', '', '{}')"
    )
    run(run_event, gap + 1)
    seals.seal()
    run(run_event, gap)
    code, verdict = verified()
    assert (code, verdict["broken"]) == (1, gap)


def test_a_whole_run_cut_from_the_middle_with_its_seal_is_found() -> None:
    for _ in range(3):
        happen(3)
        seals.seal()
    middle = AuditSeal.objects.order_by("-id")[1]
    with tampering():
        run("DELETE FROM cases_auditevent WHERE id BETWEEN %s AND %s", middle.first_event, middle.last_event)
        run("DELETE FROM cases_auditseal WHERE id = %s", middle.pk)
    assert verified()[0] == 1


def test_a_forged_seal_does_not_hide_a_change() -> None:
    ids = happen(3)
    seals.seal()
    happen(3)
    seals.seal()
    second, first = AuditSeal.objects.order_by("-id")[:2]
    with tampering():
        run("UPDATE cases_auditevent SET actor = 'nobody' WHERE id = %s", ids[0])
        leaves = b"".join(
            seals._leaf(event)
            for event in AuditEvent.objects.filter(pk__range=(first.first_event, first.last_event)).order_by("pk")
        )
        AuditSeal.objects.filter(pk=first.pk).update(leaves=leaves, digest=seals._digest(first.previous, leaves))
    code, verdict = verified()
    assert code == 1
    assert verdict["broken"] == second.first_event


def test_a_rewritten_chain_has_another_head_than_the_one_written_down() -> None:
    ids = happen(3)
    seals.seal()
    written_down = seals.verify().head
    with tampering():
        run("UPDATE cases_auditevent SET actor = 'nobody' WHERE id = %s", ids[0])
        run("DELETE FROM cases_auditseal")
    seals.seal()
    assert seals.verify().broken is None
    assert seals.verify().head != written_down


def test_the_command_says_in_words_what_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    ids = happen(2)
    call_command("verify_audit")
    assert "events verified" in capsys.readouterr().out
    with tampering():
        run("DELETE FROM cases_auditevent WHERE id = %s", ids[0])
    with pytest.raises(SystemExit):
        call_command("verify_audit")
    assert f"Broken at event {ids[0]}" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_sealers_at_the_same_time_make_one_chain() -> None:
    happen(20)
    start = threading.Barrier(5)
    failed: list[Exception] = []

    def seal() -> None:
        try:
            start.wait()
            for _ in range(3):
                happen(2)
                seals.seal()
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=seal) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    seals.seal()
    assert seals.verify().broken is None
    assert seals.verify().sealed == AuditEvent.objects.count()
