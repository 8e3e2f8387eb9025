"""What the first reader said, and the machine, is nowhere to be read until the second has answered: every address, every role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLResolver, get_resolver

from cases.models import Case
from cases.models.choices import State
from feedback import gold, jobs
from feedback.models import SecondRead, SecondReadCursor
from feedback.plantings import plant
from review import claims
from review.decide import Answer, decide
from review.models import ReviewTask
from review.shown import digest_of, newest_prediction
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
MACHINE, FIRST, TEXT, NOTE = "echidnalabel", "wombatlabel", "quokkatext", "numbatnote"
MARKS = (MACHINE, FIRST, TEXT, NOTE)
SCHEMA = {
    "type": "object",
    "required": ["label"],
    "properties": {"label": {"type": "string"}, "why": {"type": "string"}},
}
ROLES = ("auditor", "supervisor", "expert", "reviewer", "manager", "integration", "administrator")
NOT_WALKED = re.compile(
    r"/(add|delete|logout|password|jsi18n|login|autocomplete|history)/|django_rq|admin/rq|accounts/|\.\*"
)


@dataclass
class World:
    """A decision that waits for its second read, and a case of the same words that somebody is at work on."""

    decision: Any
    task: ReviewTask
    alike: ReviewTask


def make_world() -> World:
    SecondReadCursor.objects.create(pk=1, decision_id=0)
    make_queue("quality", kind="quality", groups=("auditor",))
    make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    desk = make_queue(groups=("reviewer", "expert", "supervisor"))
    kind = make_case_type(
        policy={"second_read_rate": 1.0}, output_schema=SCHEMA, action={"backend": "log"}, manual_minutes=2
    )
    case = make_case(kind, state=State.IN_REVIEW, payload={"text": "charged twice for one order in March"})
    decision = decided(make_task(case, queue=desk), by=make_user("reviewer"))
    Case.objects.filter(pk=case.pk).update(state=State.CLOSED)
    jobs.take_fingerprints()
    jobs.read_again()
    other = make_case(kind, state=State.IN_REVIEW, payload={"text": "charged twice for one order in April"})
    make_prediction(other, label="calm")
    return World(decision, ReviewTask.objects.open().get(case=case), make_task(other, queue=desk))


def decided(task: ReviewTask, *, by: User) -> Any:
    make_prediction(task.case, label=MACHINE, rationale=f"because {MACHINE}")
    held = claims.claim(task.pk, user=by, origin="test")
    digest = digest_of(held, held.case, newest_prediction(held.case))
    said = Answer("amend", {"label": FIRST, "why": TEXT}, reason=NOTE, note=NOTE, active_seconds=5)
    return decide(held.pk, user=by, lease_token=held.lease_token, digest=digest, answer=said, origin="test")


def patterns(resolver: Any, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, path)
        else:
            yield path


def addresses(world: World) -> list[str]:
    """Every address of the product, filled in with the rows of this world."""
    found = set()
    for pattern in patterns(get_resolver()):
        if NOT_WALKED.search("/" + pattern):
            continue
        for value in _values(pattern, world):
            path = re.sub(r"<[^>]+>", value, pattern).replace("^", "").replace("$", "").replace("\\Z", "")
            if "(" not in path:
                found.add("/" + path)
    return sorted(found)


def _values(pattern: str, world: World) -> list[str]:
    if "<" not in pattern:
        return [""]
    own = re.match(r"admin/(\w+)/(\w+)/<path:object_id>/(change/)?$", pattern)
    if own:
        model = apps.get_model(own[1], own[2])
        return [str(pk) for pk in model._default_manager.order_by("-pk").values_list("pk", flat=True)[:12]]
    case, task, decision = str(world.decision.case_id), str(world.task.pk), str(world.decision.pk)
    named = {"case_id": [case], "task_id": [task, str(world.alike.pk), str(world.decision.task_id)], "key": ["quality"]}
    name = re.findall(r"<(?:\w+:)?(\w+)>", pattern)[0]
    return named.get(name, sorted({case, task, decision}))


def marks_in(body: bytes) -> set[str]:
    text = body.decode("utf-8", "replace")
    return {mark for mark in MARKS if mark in text}


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def person_of(role: str) -> User:
    return make_user(role, is_staff=True)


def leaks(role: str, world: World) -> dict[str, set[str]]:
    person, found = person_of(role), {}
    client = Client(raise_request_exception=False)
    client.force_login(person)
    for path in addresses(world):
        told = marks_in(body_of(client.get(path)))
        if told:
            found[path] = told
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_address_tells_anybody_what_was_said_before_the_second_answer(role: str) -> None:
    assert leaks(role, make_world()) == {}


def test_the_walk_would_find_what_is_told_once_nobody_reads_blind_any_more() -> None:
    world = make_world()
    ReviewTask.objects.filter(pk=world.task.pk).update(closed_at=world.task.opened_at, ending="cancelled")
    found = leaks("auditor", world)
    assert f"/api/v1/cases/{world.decision.case_id}/" in found
    assert "/api/v1/decisions/" in found


def test_the_second_reader_at_work_is_shown_the_input_alone() -> None:
    world, reader = make_world(), person_of("auditor")
    client = Client()
    client.force_login(reader)
    claims.claim(world.task.pk, user=reader, origin="test")
    page = client.get(f"/admin/desk/{world.task.pk}/?acts=1")
    assert "charged twice" in page.content.decode()
    assert marks_in(page.content) == set()
    api = Api(reader)
    assert marks_in(api.post(f"/tasks/{world.task.pk}/claim/").content) == set()
    for path in (f"/cases/{world.decision.case_id}/", "/decisions/?after=0", "/tasks/", "/cases/"):
        assert marks_in(api.get(path).content) == set(), path


def test_whoever_searches_for_the_answer_does_not_find_the_case_by_it() -> None:
    world, reader = make_world(), person_of("auditor")
    client = Client()
    client.force_login(reader)
    number = f"#{world.decision.case_id}<"
    for path in ("/admin/cases/case/", "/admin/review/decision/", "/admin/desk/tasks/", "/admin/feedback/correction/"):
        for name in ("q", "label", "label__exact"):
            right, wrong = (number in client.get(path, {name: said}).content.decode() for said in (FIRST, "nonsense"))
            assert right == wrong, (path, name)
    shown = client.get(f"/api/v1/cases/?label={FIRST}").content.decode()
    assert f'"id":{world.decision.case_id},' not in shown.replace(" ", "")


def test_the_third_person_sees_both_answers_and_nobody_else_does() -> None:
    world, reader, third = make_world(), person_of("auditor"), person_of("supervisor")
    held = claims.claim(world.task.pk, user=reader, origin="test")
    digest = digest_of(held, held.case, newest_prediction(held.case))
    said = Answer("amend", {"label": "other"})
    decide(held.pk, user=reader, lease_token=held.lease_token, digest=digest, answer=said, origin="test")
    settling = SecondRead.objects.get().adjudication
    assert settling
    claims.claim(settling.pk, user=third, origin="test")
    client = Client()
    client.force_login(third)
    page = client.get(f"/admin/desk/{settling.pk}/").content
    assert marks_in(page) == {FIRST, TEXT}
    assert leaks("auditor", world) == {}


READERS_WORDS = re.compile(rb"planted|\bgold\b|\bdrills?\b|known case", re.IGNORECASE)
TOLD_OF_THE_IDEA = re.compile(r"/admin/(how-i-decide|review/policy|desk/policies)|/api/v1/(policies|schema|docs)")
SECRET = "pangolinnote"


def planted_world() -> tuple[World, ReviewTask, Case]:
    """A known case that is planted, beside the ordinary one, and its original with all of its past."""
    world = make_world()
    kind = make_case_type("exception_handler", output_schema=SCHEMA, action={"backend": "log"})
    original = make_case(kind, state=State.CLOSED, requester="quokka-7", payload={"text": "charged twice in May"})
    made = make_prediction(original, label="refund", confidence=0.9)
    make_decision(original, by=make_user("expert"), prediction=made, note=SECRET)
    make_task(original, closed_at=original.created_at, ending="decided", queue=make_queue())
    gold.make_drill(original.pk, by=make_user("supervisor"), origin="test", shown={"label": "billing"}, why=SECRET)
    planting = plant(kind.policies.get(), queue=make_queue())
    assert planting is not None
    assert planting.task is not None
    return world, planting.task, original


@pytest.mark.parametrize("role", ["reviewer", "expert", "integration", "manager"])
def test_no_address_tells_who_may_read_it_that_a_case_is_known(role: str) -> None:
    world, task, original = planted_world()
    person = person_of(role)
    client = Client(raise_request_exception=False)
    client.force_login(person)
    if role == "reviewer":
        claims.claim(task.pk, user=person, origin="test")
    seen = replace(world, task=task, decision=original.decisions.get())
    for path in [
        *addresses(seen),
        *addresses(replace(seen, decision=SimpleNamespace(case_id=task.case_id, pk=0, task_id=0))),
    ]:
        body = body_of(client.get(path))
        assert SECRET.encode() not in body, path
        if not TOLD_OF_THE_IDEA.match(path) and role in ("reviewer", "expert"):
            assert not READERS_WORDS.search(body), path
            assert f"/cases/{original.pk}/".encode() not in body, path
            assert f"/case/{original.pk}/".encode() not in body, path
