"""From one case to the next: what comes, by which way, and what the page says of the one before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from review import handing, holding, notes
from review.desk.next import ADDRESS
from review.desk.page import SWAP
from review.models import Decision, ReviewTask
from tests import factories as make
from tests.desk import a_task, page_of, signed_in, submission

pytestmark = pytest.mark.django_db


def send(client: Client, task: ReviewTask, **fields: Any) -> Any:
    return client.post(page_of(task), submission(client, task, **fields), headers={SWAP: "1"})


def test_a_page_that_swaps_gets_the_next_case_claimed_with_the_answer() -> None:
    client, user = signed_in()
    first, second = a_task(claimed_by=user), a_task()
    answer = send(client, first, verb="approve")
    assert answer.status_code == 200
    assert answer[ADDRESS] == f"{page_of(second)}?after={first.pk}"
    html = answer.content.decode()
    assert second.case.payload["text"] in html
    assert f"Decided #{first.case_id}" in html
    second.refresh_from_db()
    assert second.assignee == user


def test_a_refusal_is_shown_where_one_is() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    data = submission(client, task, verb="approve", digest="0" * 64)
    answer = client.post(page_of(task), data, headers={SWAP: "1"})
    assert answer.status_code == 409
    assert ADDRESS not in answer
    assert not Decision.objects.exists()


def test_what_is_on_hold_is_not_what_comes_next() -> None:
    client, user = signed_in()
    first, second = a_task(claimed_by=user), a_task()
    send(client, first, verb="hold", aside="1", reason="waiting for a copy")
    second.refresh_from_db()
    assert second.assignee == user
    html = client.get(page_of(first)).content.decode()
    assert "On hold in your hands" in html
    assert "waiting for a copy" in html
    assert 'id="decision"' not in html


def test_what_was_handed_to_somebody_comes_before_what_waits() -> None:
    client, user = signed_in()
    giver = make.make_user("reviewer")
    a_task(due_at=timezone.now() - timedelta(hours=9))
    task = a_task(claimed_by=giver)
    told: dict[str, Any] = {"lease_token": 1, "note": "yours", "origin": "test"}
    again = handing.hand_to_person(task.pk, user=giver, to=user.username, **told)
    assert "This was handed to you" in client.get(page_of(again)).content.decode()
    assert client.post(reverse("desk:start"))["Location"] == page_of(again)


@pytest.mark.parametrize(
    ("choice", "typed", "ok"), [("15", "", 1), ("", "2200-01-01T10:00", 0), ("soon", "", 0), ("tomorrow", "", 1)]
)
def test_a_snooze_is_chosen_or_typed(choice: str, typed: str, ok: int) -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(
        page_of(task), submission(client, task, verb="snooze", aside="1", until=typed, **{"for": choice})
    )
    assert answer.status_code == (302 if ok else 422)
    assert holding.snoozed().count() == ok
    if ok:
        assert f"Snoozed #{task.case_id} until" in client.get(answer["Location"]).content.decode()
        assert "Snoozed until" in client.get(page_of(task)).content.decode()


def test_skipping_tells_that_somebody_else_gets_it_and_that_nothing_else_is_left() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = send(client, task, verb="skip", aside="1", reason="I know the sender")
    html = answer.content.decode()
    assert f"Skipped #{task.case_id}." in html
    assert "Only what you skipped is left" in html


def test_a_dialog_that_is_refused_keeps_what_was_typed_in_the_form() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    client.post(reverse("desk:draft", args=[task.pk]), {"case_version": "1", "note": "half a thought"})
    data = submission(client, task, verb="hold", aside="1", reason="")
    answer = client.post(page_of(task), data)
    assert answer.status_code == 422
    assert "half a thought" in answer.content.decode()


def test_handing_over_lists_those_who_may_and_works_without_a_script() -> None:
    client, user = signed_in()
    other, outsider = make.make_user("reviewer"), make.make_user("manager")
    task = a_task(claimed_by=user)
    html = client.get(reverse("desk:handing", args=[task.pk])).content.decode()
    assert other.username in html
    assert outsider.username not in html
    fields = {"verb": "hand_over", "aside": "1", "lease_token": "1", "person": other.username, "note": "for you"}
    answer = client.post(page_of(task), fields)
    assert f"Handed over #{task.case_id}" in client.get(answer["Location"]).content.decode()


def test_asking_for_help_keeps_the_case_and_says_who_was_asked() -> None:
    client, user = signed_in()
    other = make.make_user("reviewer")
    task = a_task(claimed_by=user)
    fields = {"verb": "help", "aside": "1", "lease_token": "1", "person": other.username, "note": "Is this ours?"}
    html = client.post(page_of(task), fields, follow=True).content.decode()
    assert f"Asked for help: {other.username}." in html
    assert "Is this ours?" in html


def test_the_claimed_queue_says_when_something_may_be_free() -> None:
    client, _user = signed_in()
    task = a_task(claimed_by=make.make_user("reviewer"))
    html = client.get(reverse("desk:start")).content.decode()
    assert "Everything is claimed" in html
    assert "The next may be free at" in html
    ReviewTask.objects.filter(pk=task.pk).update(hold_reason="waiting")
    assert "The next may be free at" not in client.get(reverse("desk:start")).content.decode()


def test_the_last_decision_can_be_undone_from_any_page_of_the_desk_while_its_grace_runs() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(policy={"grace_seconds": 60})
    task = a_task(case_type=case_type, claimed_by=user)
    send(client, task, verb="approve")
    html = client.get(reverse("desk:start")).content.decode()
    assert f"Decided #{task.case_id}" in html
    Decision.objects.update(decided_at=timezone.now() - timedelta(seconds=61))
    assert f"Decided #{task.case_id}" not in client.get(reverse("desk:start")).content.decode()


def test_every_act_can_be_reached_without_a_script() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    assert '<dialog class="cs-dialog" id="ask-hold" open' not in client.get(page_of(task)).content.decode()
    html = " ".join(client.get(f"{page_of(task)}?acts=1").content.decode().split())
    assert 'id="ask-hold" aria-labelledby="ask-hold-title" open' in html


def test_a_blind_reader_sees_nobody_elses_notes_until_they_have_answered() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user, blind=True, note="the machine says refund, I doubt it")
    notes.write(task.case_id, author=make.make_user("supervisor"), text="It said refund.", origin="test")
    html = client.get(page_of(task)).content.decode()
    assert "It said refund." not in html
    assert "I doubt it" not in html
    assert "1 note of somebody else is shown once you have answered." in html


def test_a_note_that_is_refused_keeps_its_words_and_says_why() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    long = "x" * 4001
    answer = client.post(reverse("desk:note", args=[task.pk]), {"text": long}, headers={SWAP: "1"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert f"\n{long}</textarea>" in html
    assert 'id="new-note-errors">At most 4000 characters.' in html
    assert 'aria-describedby="new-note-errors"' in html


def test_a_note_written_after_the_task_was_lost_is_kept_to_be_copied() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    ReviewTask.objects.filter(pk=task.pk).update(assignee=make.make_user("reviewer"))
    answer = client.post(reverse("desk:note", args=[task.pk]), {"text": "half an hour of thought"}, headers={SWAP: "1"})
    assert answer.status_code == 403
    assert answer[ADDRESS] == page_of(task), "its script shows the page and does not ask to sign in again"
    html = answer.content.decode()
    assert "You may see this case and not write beside it." in html
    assert "readonly>\nhalf an hour of thought</textarea>" in html


def test_a_page_that_swaps_is_sent_no_frame_again() -> None:
    client, user = signed_in()
    first = a_task(claimed_by=user)
    a_task()
    whole = client.get(page_of(first)).content.decode()
    part = send(client, first, verb="approve").content.decode()
    assert "cs-nav" in whole
    assert "cs-nav" not in part
    assert part.count('<main id="content-start"') == 1
    assert "<title>" in part
    assert 'class="breadcrumbs"' in part
    assert 'class="cs cs-page-desk"' in part
