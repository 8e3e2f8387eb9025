"""Faults on a running stack: whatever dies, every case arrives, is decided once, and is told of under one id."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.faults_site import ENVIRONMENT, Books, FirstCall, Model, Site, children_of, kill_all
from tests.http_server import receiver
from tests.servers import PostgresServer, wait_until
from tests.stacks import RunningStack

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]
BOTH = pytest.mark.parametrize(
    "site", ["postgresql", "sqlite"], indirect=True
)  # tests of one site in a row: by position
ON_POSTGRES = pytest.mark.parametrize("site", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def postgres(run_directory: Path, worker_id: str) -> Iterator[PostgresServer]:
    """A server of each test process's own, to be stopped and started: the run's is everybody's."""
    server = PostgresServer(run_directory / f"faulty-{worker_id}")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest, run_directory: Path, tmp_path_factory: pytest.TempPathFactory, migrated: Path
) -> Iterator[Site]:
    model, books = Model(), Books()
    database = prepared(request.getfixturevalue("postgres")) if request.param == "postgresql" else ""
    with receiver(model) as classifier, receiver(books) as crm:
        environ = ENVIRONMENT | {"HTTP_CLASSIFIER_URL": classifier.url, "STATIC_ROOT": str(run_directory / "static")}
        environ |= {"DATABASE_URL": database, "SECRET_KEY": "only for tests, " * 4} if database else {}
        begun = None if database else migrated
        stack = RunningStack(tmp_path_factory.mktemp(request.param) / "data", environ, database=begun)
        try:
            running = Site(stack.start(), model, books, database)
            running.configure(crm.url)
            yield running
            running.verify()
        finally:
            stack.stop()


def prepared(server: PostgresServer) -> str:
    """A database that keeps what it has confirmed, unlike the test server's others."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE faults")
        connection.execute("ALTER DATABASE faults SET synchronous_commit = on")
    return server.url("faults")


@pytest.fixture(autouse=True)
def _calm(site: Site) -> Iterator[None]:
    yield
    site.model.before = lambda cases: None
    site.books.before = lambda: None


@BOTH
def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing(site: Site) -> None:
    before = site.model.batches
    site.model.before = asked = FirstCall(seconds=1)
    site.send(60)
    assert asked.wait(20)
    kill_all([site.asking_worker()])
    site.settle()
    assert site.model.batches > before + 1, "another worker asked again"


@ON_POSTGRES
@pytest.mark.parametrize("whom", ["parent", "child", "both"])
def test_a_forking_worker_killed_in_any_part_loses_nothing(site: Site, whom: str) -> None:
    """The stack's own workers do not fork; RQ's own does, and may be put beside them."""
    site.model.before = asked = FirstCall(seconds=1)
    with site.only_a_forking_worker() as worker:
        site.send(40)
        assert asked.wait(40), "the forking worker took no job"
        child = children_of(worker.pid)
        assert child
        kill_all({"parent": [worker.pid], "child": child, "both": [worker.pid, *child]}[whom])
    site.settle()


@BOTH
def test_redis_emptied_in_the_middle_of_the_flow_loses_nothing(site: Site) -> None:
    site.model.before = asked = FirstCall(seconds=1)
    site.send(40)
    assert asked.wait(20)
    flush(site)
    site.send(40)
    flush(site)
    site.settle()


@BOTH
def test_cases_accepted_while_redis_is_dead_are_done_once_it_is_back(site: Site) -> None:
    site.send(20)
    site.kill("redis")
    started = time.monotonic()
    site.send(40)
    assert time.monotonic() - started < 10, "nobody waits for the doorbell"
    site.settle()


@BOTH
def test_a_case_that_kills_its_worker_reaches_a_person_and_drags_nobody_along(site: Site) -> None:
    kills: list[int] = []

    def kill_whoever_asks(cases: list[dict[str, Any]]) -> None:
        if any(case["payload"].get("poison") for case in cases):
            kills.append(site.asking_worker())
            kill_all(kills[-1:])

    site.model.before = kill_whoever_asks
    others = site.send(20)
    [poison] = site.send(1, poison=True)
    others += site.send(20)
    site.settle()
    [(state, reason)] = site.rows(f"SELECT state, reason FROM cases_case WHERE id = {poison}")
    assert (state, reason) == ("in_review", "classifier_error")
    assert len(kills) == 3
    [(error,)] = site.rows(f"SELECT error FROM cases_prediction WHERE case_id = {poison}")
    assert "given up after 3 attempts" in error
    failed = {pk for (pk,) in site.rows("SELECT case_id FROM cases_prediction WHERE error <> ''")}
    assert failed.isdisjoint(others)


@BOTH
def test_a_killed_sender_tells_everybody_at_least_once_under_one_id(site: Site) -> None:
    told = threading.Event()
    before = site.books.told.total()

    def slow() -> None:
        told.set()
        time.sleep(0.3)

    site.books.before = slow
    site.send(60)
    assert told.wait(30)
    site.kill("effects")
    site.books.before = lambda: None
    site.settle()
    assert site.books.told.total() - before >= 60
    assert max(site.books.told.values()) > 1, "somebody was told twice, and acted once"


@BOTH
def test_web_killed_after_the_commit_and_before_the_answer_recognises_the_retry(site: Site) -> None:
    [body] = site.bodies(1)
    answers: list[int] = []

    def post() -> None:
        try:
            with site.client() as api:
                answers.append(api.post("cases/", json=body).status_code)
        except httpx2.HTTPError:
            pass  # killed in between, as it should be

    caller = threading.Thread(target=post)
    caller.start()
    wait_until(lambda: bool(stored(site, body)), seconds=10, what="the row")
    site.kill("web")
    caller.join()
    answer = patiently(site, body)
    assert answer.status_code == 200
    assert [(answer.json()["id"],)] == stored(site, body)
    site.accepted.add(answer.json()["id"])
    site.settle()


@ON_POSTGRES
@pytest.mark.parametrize("whom", ["master", "worker"])
def test_web_killed_in_the_middle_of_a_post_makes_one_case_of_the_retry(site: Site, whom: str) -> None:
    [body] = site.bodies(1)
    with psycopg.connect(site.database) as blocker:
        blocker.execute("LOCK TABLE cases_auditevent IN SHARE MODE")  # the POST stands before its last INSERT
        caller = threading.Thread(target=post_and_be_cut_off, args=(site, body))
        caller.start()
        wait_until(lambda: waiting_for_a_lock(site), seconds=10, what="a POST in the middle")
        master, worker = site.stack.pids()["web"][:2]
        os.kill(master if whom == "master" else worker, signal.SIGKILL)
        caller.join()
    answer = patiently(site, body)
    assert answer.status_code in (200, 201)
    assert patiently(site, body).status_code == 200
    assert [(answer.json()["id"],)] == stored(site, body)
    site.accepted.add(answer.json()["id"])
    site.settle()


@ON_POSTGRES
def test_postgres_stopped_at_once_is_503_and_everything_is_done_when_it_is_back(
    site: Site, postgres: PostgresServer
) -> None:
    site.model.before = FirstCall(seconds=1)
    site.send(60)
    [body] = site.bodies(1)
    postgres.stop("immediate")
    try:
        with site.client() as api:
            answers = [api.post("cases/", json=body), api.get("cases/"), api.post("tasks/claim/", json={})]
        page = httpx2.get(f"{site.stack.base_url}/admin/login/")
        ready = httpx2.get(f"{site.stack.base_url}/readyz")
    finally:
        postgres.start()
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
    assert ready.status_code == 503
    assert page.status_code in (200, 503)
    answer = patiently(site, body)
    assert answer.status_code == 201
    site.accepted.add(answer.json()["id"])
    site.settle()


@ON_POSTGRES
def test_every_database_connection_cut_in_the_middle_of_the_flow_loses_nothing(site: Site) -> None:
    site.model.before = lambda cases: time.sleep(0.2)
    site.send(50)
    for _ in range(10):
        with psycopg.connect(site.database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults' AND pid <> pg_backend_pid()"
            )
        time.sleep(0.2)
    site.model.before = lambda cases: None
    site.settle()


@BOTH
def test_fifty_parallel_identical_posts_make_one_case(site: Site) -> None:
    [body] = site.bodies(1)
    answers: list[httpx2.Response] = []

    def post() -> None:
        with site.client() as api:
            answers.append(api.post("cases/", json=body))

    threads = [threading.Thread(target=post) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 49 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    site.accepted.add(answers[0].json()["id"])
    site.settle()


def flush(site: Site) -> None:
    import redis

    with redis.Redis(unix_socket_path=str(site.stack.data_dir / "redis.sock")) as connection:
        connection.flushall()


def stored(site: Site, body: dict[str, Any]) -> list[tuple[Any, ...]]:
    return site.rows(f"SELECT id FROM cases_case WHERE external_id = '{body['external_id']}'")


def patiently(site: Site, body: dict[str, Any]) -> httpx2.Response:
    """As a caller should: the same again until it is answered."""
    end = time.monotonic() + 40
    while True:
        try:
            with site.client() as api:
                answer = api.post("cases/", json=body)
            if answer.status_code != 503:
                return answer
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < end, "no answer"
        time.sleep(0.3)


def post_and_be_cut_off(site: Site, body: dict[str, Any]) -> None:
    with site.client() as api, pytest.raises(httpx2.HTTPError):
        api.post("cases/", json=body)


def waiting_for_a_lock(site: Site) -> bool:
    return bool(site.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))
