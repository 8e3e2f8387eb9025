"""What follows a flag really happens, is told to both, and ends with the flag."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cases.errors import Conflict, Forbidden, Invalid
from cases.models import CaseType
from feedback import flags, jobs, refreshers, second_reads
from feedback.models import Flag, Planting, Refresher, SecondRead, SecondReadCursor
from review import claims
from review.models import Notice, ReviewTask
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user
from tests.gold import answer, approve_everything, drill

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def flagged(step: str) -> tuple[User, CaseType, User]:
    """A reader of whom the test has seen enough, and the supervisor who is told."""
    lead, user = make_user("supervisor", is_staff=True), make_user("reviewer", is_staff=True)
    case_type = make_case_type("exception_handler", policy={"on_flag": step})
    approve_everything(user, case_type)
    return user, case_type, lead


def test_a_word_is_told_to_the_person_and_to_who_leads_and_to_nobody_else(client: Client) -> None:
    colleague = make_user("reviewer")
    user, _case_type, lead = flagged("word")
    told = dict(Notice.objects.filter(kind="flag").values_list("user", "text"))
    assert {user.pk, lead.pk} <= told.keys()
    assert colleague.pk not in told
    assert "caught 0" in told[user.pk]
    assert user.username in told[lead.pk]
    for person, page in ((user, "/admin/how-i-decide/"), (lead, "/admin/feedback/flag/")):
        client.force_login(person)
        notice = Notice.objects.get(kind="flag", user=person)
        assert client.get(f"/admin/notices/{notice.pk}/")["Location"] == page


def test_a_pause_reads_everything_again_while_the_flag_is_open() -> None:
    SecondReadCursor.objects.create(pk=1, decision_id=0)
    make_queue("quality", kind="quality", groups=("auditor",))
    user, case_type, lead = flagged("pause")
    assert [flag.case_type for flag in flags.paused(user)] == [case_type]

    def read_again() -> bool:
        case = make_case(case_type, state="closed")
        task = make_task(case, claimed_by=user)
        decision = make_decision(case, by=user, task=task, prediction=make_prediction(case))
        second_reads.draw()
        return SecondRead.objects.filter(decision=decision, probability=1.0).exists()

    assert read_again()
    flags.close(Flag.objects.get().pk, by=lead, note="We talked.", origin="test")
    assert not read_again()
    assert flags.paused(user) == []


def test_a_refresher_round_is_planted_for_its_reader_one_after_the_other_and_ends_by_itself(client: Client) -> None:
    user, case_type, lead = flagged("refresher")
    round_ = Refresher.objects.get()
    assert round_.ending == "no_more"  # all there were are met
    Refresher.objects.update(ended_at=None, ending="", size=2)
    for _number in range(3):
        drill(case_type)
    jobs.plant()
    for caught in (True, False):
        [task] = ReviewTask.objects.open().filter(planted=True)
        assert claims.claim_next(make_user("reviewer"), origin="test") is None
        answer(task, user, caught=caught)
    round_.refresh_from_db()
    assert (round_.ending, refreshers.progress(round_)) == ("done", refreshers.Progress(2, 2, 2, 1))
    assert not ReviewTask.objects.open().exists()
    assert Flag.objects.filter(closed_at=None).count() == 1
    for person, path in ((user, "/admin/how-i-decide/"), (lead, f"/admin/feedback/flag/{round_.flag_id}/change/")):
        client.force_login(person)
        assert "1 of 2 errors caught" in " ".join(client.get(path).content.decode().split())
    assert Notice.objects.filter(user=user, text__contains="round is over").exists()


def test_closing_the_flag_ends_the_round_and_takes_back_what_waits() -> None:
    user, case_type, lead = flagged("refresher")
    Refresher.objects.update(ended_at=None, ending="")
    drill(case_type)
    jobs.plant()
    assert ReviewTask.objects.open().filter(planted=True).count() == 1
    flags.close(Flag.objects.get().pk, by=lead, note="We talked.", origin="test")
    assert Refresher.objects.get().ending == "closed"
    assert not ReviewTask.objects.open().exists()
    assert user.username


def test_answers_in_a_refresher_round_neither_accuse_nor_count() -> None:
    user, case_type, _lead = flagged("refresher")
    Refresher.objects.update(ended_at=None, ending="", size=1)
    drill(case_type)
    jobs.plant()
    before = flags.catches(user=user)
    answer(ReviewTask.objects.open().get(planted=True), user, caught=False)
    assert flags.catches(user=user) == before
    assert Planting.objects.filter(refresher__isnull=False, caught=False).count() == 1


def test_a_flag_is_closed_once_with_a_note_by_somebody_else_who_leads() -> None:
    user, _case_type, lead = flagged("word")
    flag = Flag.objects.get()
    with pytest.raises(Forbidden):
        flags.close(flag.pk, by=user, note="It was nothing.", origin="test")
    with pytest.raises(Invalid):
        flags.close(flag.pk, by=lead, note=" ", origin="test")
    flags.close(flag.pk, by=lead, note="We talked.", origin="test")
    with pytest.raises(Conflict):
        flags.close(flag.pk, by=lead, note="Again.", origin="test")


def test_the_page_of_a_flag_shows_each_answer_and_closes_it(client: Client) -> None:
    _user, _case_type, lead = flagged("word")
    flag = Flag.objects.get()
    client.force_login(lead)
    page = client.get(f"/admin/feedback/flag/{flag.pk}/change/").content.decode()
    assert page.count("<circle") == 4
    assert "4.82" in page  # four errors let pass
    client.post(f"/admin/feedback/flag/{flag.pk}/close/", {"note": "We talked."})
    flag.refresh_from_db()
    assert (flag.closed_by, flag.note) == (lead, "We talked.")


@pytest.mark.parametrize("role", ["reviewer", "expert", "manager", "administrator", "integration"])
def test_nobody_else_opens_a_flag(client: Client, role: str) -> None:
    flagged("word")
    client.force_login(make_user(role, is_staff=True))
    pk = Flag.objects.get().pk
    assert client.get(f"/admin/feedback/flag/{pk}/change/").status_code in (403, 404)
    assert client.post(f"/admin/feedback/flag/{pk}/close/", {"note": "x"}).status_code in (403, 404)
    assert client.get("/admin/feedback/flag/").status_code in (403, 404)
