"""Every block of the case screen is found on a waiting case of each of the demo's types, as it is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoDbBlocker

from cases.models.choices import Priority
from hitl_project.demo.generator import MAKERS
from hitl_project.demo.present import TALKING
from review import claims
from review.models import Draft, Note, Notice, Policy, Profile, ReviewTask, SavedFilter, Skill
from tests.demo_office import NOW, loaded_office

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis", "loaded"), pytest.mark.xdist_group("blocks")]
DAYS = 8
BLOCKS = {
    "headers of the e-mail": r'class="cs-headers"',
    "quoted parts, folded": r'<details class="cs-fold',
    "key and value": r'<dl class="cs-pairs"',
    "table": r'class="cs-table cs-data"',
    "tree": r'class="cs-tree"',
    "search in the text": r'id="find-in-input"',
    "picture": r"/picture/",
    "PDF": r"/pages/1/",
    "marked evidence": r'<mark class="cs-mark',
    "evidence of a field": r'class="cs-see"',
    "context with its source": r'class="cs-quiet cs-source"',
    "decision form": r'id="decision"',
    "confidence of a field": r'class="cs-sure"',
    "alternatives": r'<ul class="cs-alternatives"',
    "why it came here": r'<ul class="cs-why"',
    "all that was checked": r'class="cs-trace"',
    "rationale": r'class="cs-card cs-grounds">\s*<h2>[^<]*</h2>\s*<p class="cs-prose"',
    "frequent confusions": r'<ul class="cs-confusions"',
    "similar cases": r'class="cs-card cs-alike">\s*<h2>[^<]*</h2>\s*<ul',
    "an earlier attempt": r'class="cs-badge cs-is-danger">failed',
    "the requester's past": r'class="cs-card cs-earlier"><h2>[^<]*</h2>\s*<div class="cs-scroll"',
    "guidelines": r'class="cs-card cs-guidelines"',
    "timeline": r'<ol class="cs-timeline"',
    "note with a mention": r'<p class="cs-prose" dir="auto">@',
}


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    with django_db_blocker.unblock(), loaded_office(tmp_path_factory.mktemp("blocks"), days=DAYS) as count:
        yield count


def test_every_block_of_the_screen_is_found_on_a_case_of_each_type(client: Client) -> None:
    missing = {key: _missing(client, key) for key in MAKERS}
    assert not any(missing.values()), missing


def test_the_desk_is_left_as_people_leave_it(client: Client) -> None:
    _put_down_and_passed_on()
    _told_and_set_up()
    _still_to_be_taken_back()
    _typed_and_kept(client)


def _put_down_and_passed_on() -> None:
    tasks = ReviewTask.objects.open()
    assert tasks.exclude(hold_reason="").filter(assignee__username="rita").exists()
    assert tasks.filter(assignee=None, lease_until__gt=NOW, hold_reason="").exists()
    assert ReviewTask.objects.filter(ending=ReviewTask.Ending.HANDED_OVER).exists()
    assert tasks.filter(language="es").exists()
    assert tasks.filter(priority=Priority.URGENT).exists()


def _told_and_set_up() -> None:
    told = set(Notice.objects.values_list("kind", flat=True))
    assert {"mention", "help", "handed_over", "sent_back", "urgent"} <= told
    assert Note.objects.count() > len(MAKERS)
    assert not Notice.objects.filter(at__gt=NOW).exists()
    assert set(Skill.objects.values_list("user__username", "language")) >= {("lucia", "es"), ("ravi", "en")}
    assert Profile.objects.get(user__username="sanjay").on_duty
    assert Profile.objects.get(user__username="lucia").language == "es"
    assert SavedFilter.objects.filter(shared=True).exists()
    proposed = Policy.objects.get(status=Policy.Status.PROPOSED)
    assert proposed.threshold < Policy.objects.get(case_type=proposed.case_type_id, status="active").threshold


def _still_to_be_taken_back() -> None:
    replies = ReviewTask.objects.filter(case__case_type__key="reply", decision__held=False, case__state="decided")
    assert replies.filter(decision__decided_by__username="rita").exists()
    assert not replies.exclude(case__effects__status="pending").exists()


def _typed_and_kept(client: Client) -> None:
    draft = Draft.objects.get()
    ReviewTask.objects.filter(pk=draft.task_id).update(hold_reason="", lease_until=datetime(2100, 1, 1, tzinfo=UTC))
    client.force_login(draft.user)
    page = client.get(f"/admin/desk/{draft.task_id}/").content.decode()
    assert "I have asked our warehouse about it." in page
    assert "Fill this in" not in page


def _missing(client: Client, case_type: str) -> list[str]:
    """The blocks that the furnished case of a type lacks, on the page of who was asked about it."""
    user = User.objects.get(username=TALKING.get(case_type, ("", "rita"))[1])
    noted = Note.objects.filter(author=user, case__case_type__key=case_type).values("case")
    task = ReviewTask.objects.open().filter(case__in=noted, blind=False, hold_reason="", assignee=None).earliest("pk")
    claims.claim(task.pk, user=user, origin="admin")
    client.force_login(user)
    page = client.get(f"/admin/desk/{task.pk}/").content.decode()
    return [name for name, pattern in BLOCKS.items() if not re.search(pattern, page)]
