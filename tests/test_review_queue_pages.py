"""The pages of the queues as those who work and those who lead meet them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import Case
from cases.models.choices import Priority, Reason, State
from review import claims
from review.desk.task_list import open_tasks, page_of
from review.models import ReviewTask
from tests import factories as make
from tests.callers import Api

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


def signed_in(role: str = "reviewer", **fields: Any) -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


def a_task(*, label: str = "refund", **fields: Any) -> ReviewTask:
    case_type = fields.pop("case_type", None) or make.make_case_type()
    return make.make_task(make.make_case(case_type, state=State.IN_REVIEW, label=label), **fields)


def cases_on(client: Client, query: str = "", *, page: str = "") -> set[int]:
    answer = client.get((page or reverse("desk:tasks")) + query)
    assert answer.status_code == 200
    return {task.case_id for task in answer.context["page"].tasks}


def test_a_queue_tells_its_figures_and_offers_its_next_task() -> None:
    client, _user = signed_in()
    a_task()
    html = client.get("/admin/desk/queues/front-desk/").content.decode()
    assert "Front Desk" in html
    assert "Take the next task" in html
    assert "Nothing is free" not in html
    answer = client.post(reverse("desk:start"), {"queue": "front-desk"})
    assert answer["Location"].startswith("/admin/desk/")


def test_a_queue_in_which_everything_is_claimed_says_so() -> None:
    client, _user = signed_in()
    a_task(claimed_by=make.make_user("reviewer", username="mara"))
    html = client.get("/admin/desk/queues/front-desk/").content.decode()
    assert "Nothing is free" in html
    assert "mara" in html
    assert "all taken" in client.get("/admin/desk/queues/").content.decode()


def test_the_queue_page_shows_the_oldest_wait_and_not_the_newest() -> None:
    client, _user = signed_in()
    for age in (timedelta(minutes=3), timedelta(days=5), timedelta(hours=2)):
        task = a_task()
        ReviewTask.objects.filter(pk=task.pk).update(opened_at=timezone.now() - age)
    html = client.get("/admin/desk/queues/front-desk/?live=1").content.decode()
    assert "5\xa0days ago" in html
    assert "3\xa0minutes ago" not in html


def test_it_foresees_how_many_will_be_late() -> None:
    client, _user = signed_in()
    now, case_type = timezone.now(), make.make_case_type()
    for n in range(20):
        task = a_task(case_type=case_type, due_at=now + timedelta(minutes=1))
        done = {"closed_at": now - timedelta(minutes=9)} if n < 6 else {}
        ReviewTask.objects.filter(pk=task.pk).update(opened_at=now - timedelta(days=1), **done)
    html = client.get("/admin/desk/queues/front-desk/").content.decode()
    assert "At the present pace" in html
    assert "tasks will be late by" in html


def test_without_enough_finished_tasks_there_is_no_forecast() -> None:
    client, _user = signed_in()
    a_task()
    assert "not enough data" in client.get("/admin/desk/queues/front-desk/").content.decode()


def test_one_sees_only_the_queues_one_works_in() -> None:
    make.make_queue()
    make.make_queue("experts", groups=("expert",))
    task = a_task(queue=make.make_queue("experts", groups=("expert",)))
    client, _user = signed_in()
    assert client.get("/admin/desk/queues/experts/").status_code == 404
    assert "experts" not in client.get("/admin/desk/queues/").content.decode()
    assert cases_on(client) == set()
    lead, _boss = signed_in("supervisor")
    assert cases_on(lead) == {task.case_id}
    assert client.get("/admin/desk/queues/no-such/").status_code == 404


def test_who_has_no_business_with_tasks_is_refused() -> None:
    manager, _user = signed_in("manager")
    assert manager.get("/admin/desk/tasks/").status_code == 403
    assert manager.get("/admin/desk/queues/").status_code == 403
    assert Client().get("/admin/desk/queues/").status_code == 302


def test_each_filter_narrows_the_list() -> None:
    client, user = signed_in()
    plain = a_task(due_at=timezone.now() + timedelta(hours=5))
    risky = a_task(reason=Reason.HIGH_RISK, label="billing")
    urgent = a_task(priority=Priority.URGENT, claimed_by=user)
    late = a_task(due_at=timezone.now() - timedelta(hours=1))
    held = a_task(claimed_by=make.make_user("reviewer"), hold_reason="a call back")
    old = a_task()
    ReviewTask.objects.filter(pk=old.pk).update(opened_at=timezone.now() - timedelta(days=2))
    everything = {task.case_id for task in (plain, risky, urgent, late, held, old)}
    assert cases_on(client) == everything
    assert cases_on(client, "?reason=high_risk") == {risky.case_id}
    assert cases_on(client, "?label=billing") == {risky.case_id}
    assert cases_on(client, f"?case_type={plain.case_type.key}") == {plain.case_id}
    assert cases_on(client, "?priority=0") == {urgent.case_id}
    assert cases_on(client, "?mine=on") == {urgent.case_id}
    assert cases_on(client, "?overdue=on") == {late.case_id}
    assert cases_on(client, "?stage=held") == {held.case_id}
    assert cases_on(client, "?stage=waiting") == everything - {held.case_id, urgent.case_id}
    assert cases_on(client, "?age=1d") == {old.case_id}
    assert cases_on(client, "?queue=front-desk&overdue=on") == {late.case_id}
    assert cases_on(client, "?reason=nonsense&priority=x&after=%00") == everything


def test_a_label_is_found_among_all_open_tasks_however_many_press_more(django_assert_num_queries: Any) -> None:
    client, user = signed_in()
    case_type = make.make_case_type()
    for hours in range(1, 6):
        a_task(case_type=case_type, due_at=timezone.now() + timedelta(hours=hours))
    last = a_task(label="billing", due_at=timezone.now() + timedelta(days=9))
    assert cases_on(client, "?label=billing") == {last.case_id}
    found = open_tasks(user, {"label": "billing"})
    with django_assert_num_queries(1):
        page = page_of(found)
    assert ([task.pk for task in page.tasks], page.count) == ([last.pk], 1)
    asked = str(found.values("pk").query)
    assert '"review_reviewtask"."label" = ' in asked, "its own column, which an index has by due date"
    assert '"cases_case"."label"' not in asked


def test_a_task_is_found_by_the_label_of_the_newest_answer_wherever_it_goes() -> None:
    client, reader = signed_in()
    lead, _boss = signed_in("supervisor")
    sender = make.make_user("integration")
    one = a_task(claimed_by=reader)
    Case.objects.filter(pk=one.case_id).update(sender=sender)
    given = {"output": {"label": "other"}, "confidence": 0.9, "model": "m", "model_version": "3"}
    assert Api(sender).post(f"/cases/{one.case_id}/prediction/", given).status_code in (200, 201)
    assert cases_on(client, "?label=refund") == set()
    assert cases_on(client, "?label=other") == {one.case_id}
    make.make_queue("seniors", groups=("supervisor",), kind="supervisor")
    claims.raise_task(one.pk, user=reader, lease_token=1, reason="look", origin="test")
    assert cases_on(lead, "?label=other") == {one.case_id}


def test_what_is_read_blind_is_not_found_by_what_the_machine_said() -> None:
    client, _user = signed_in()
    blind = a_task(label="billing", reason=Reason.LOW_CONFIDENCE, blind=True)
    assert cases_on(client) == {blind.case_id}
    assert cases_on(client, "?label=billing") == set()
    assert cases_on(client, "?reason=low_confidence") == set()
    rows = client.get(reverse("desk:tasks")).content.decode().split("<tbody>")[1].split("</tbody>")[0]
    assert "billing" not in rows
    assert "low confidence" not in rows
    assert "read blind" in rows


@pytest.mark.postgres_too
def test_pages_by_key_show_each_task_once_the_earliest_due_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review.desk.task_list.PAGE_SIZE", 3)
    client, _user = signed_in()
    same, case_type = timezone.now() + timedelta(hours=1), make.make_case_type()
    made = [a_task(case_type=case_type, due_at=same - timedelta(minutes=n // 4)).pk for n in range(8)]
    seen: list[int] = []
    query = ""
    for _page in range(3):
        context = client.get(f"{reverse('desk:tasks')}?{query}").context
        seen += [task.pk for task in context["page"].tasks]
        query = context["following"]
    assert not query
    assert seen == [*made[4:], *made[:4]]


def test_a_hostile_address_is_answered_with_the_plain_list() -> None:
    client, _user = signed_in()
    task = a_task()
    for query in (
        "after=9999-99-99~1",
        "after=2026-01-01T00:00:00+00:00~" + "9" * 50,
        "queue=%00",
        "label=%00",
        "age=x",
    ):
        assert client.get(f"/admin/desk/tasks/?{query}").status_code == 200
    assert cases_on(client, "?after=x~y") == {task.case_id}


def test_markup_in_a_label_stays_text() -> None:
    client, _user = signed_in()
    a_task(label="<script>alert(1)</script>")
    assert "<script>alert" not in client.get(reverse("desk:tasks")).content.decode()


@pytest.mark.postgres_too
@pytest.mark.parametrize("count", [1, 30])
def test_the_pages_take_a_few_queries_however_much_is_open(count: int) -> None:
    client, _user = signed_in("supervisor")
    case_type = make.make_case_type()
    for n in range(count):
        a_task(case_type=case_type, queue=make.make_queue(f"queue-{n % 6}"))
    for path in ("/admin/desk/queues/queue-0/?overdue=&reason=validation", "/admin/desk/queues/", "/admin/desk/tasks/"):
        client.get(path)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(path).status_code == 200
        assert len(queries) <= MOST_QUERIES, [query["sql"][:90] for query in queries]


def several(client: Client, tasks: list[ReviewTask], verb: str, **fields: Any) -> Any:
    data = {"task": [task.pk for task in tasks], "verb": verb, "back": "/admin/desk/tasks/?mine=on", **fields}
    return client.post(reverse("desk:several"), data)


def test_taking_away_several_tells_of_each_how_it_went() -> None:
    client, _boss = signed_in("supervisor")
    reader = make.make_user("reviewer")
    taken, free = a_task(claimed_by=reader), a_task()
    answer = several(client, [taken, free], "take_away", reason="ill today")
    outcomes = {outcome.task_id: outcome.done for outcome in answer.context["outcomes"]}
    assert outcomes == {taken.pk: True, free.pk: False}
    html = answer.content.decode()
    assert "1 of 2 done" in html
    assert "Nobody holds this task" in html
    assert 'href="/admin/desk/tasks/?mine=on"' in html
    taken.refresh_from_db()
    assert taken.assignee is None


def test_several_are_handed_to_a_person_once_it_is_said_to_whom() -> None:
    client, _boss = signed_in("supervisor")
    mara = make.make_user("reviewer", username="mara")
    free, done = a_task(), a_task()
    make.make_decision(done.case, task=done)
    asked = several(client, [free, done], "to_person", reason="your field")
    assert "mara" in asked.content.decode()
    assert not ReviewTask.objects.filter(assignee=mara).exists()
    answer = several(client, [free, done], "to_person", reason="your field", to="mara")
    assert {one.task_id: one.done for one in answer.context["outcomes"]} == {free.pk: True, done.pk: False}
    assert ReviewTask.objects.open().get(assignee=mara).case_id == free.case_id


def test_several_are_handed_to_a_queue_and_raised() -> None:
    client, _boss = signed_in("supervisor")
    make.make_queue("experts", kind="expert", groups=("expert",))
    first, second, third = a_task(), a_task(), a_task()
    several(client, [first], "to_queue", reason="theirs", to="experts")
    assert ReviewTask.objects.open().get(case=first.case_id).queue.key == "experts"
    answer = several(client, [second, third], "raise", reason="too hard")
    assert [one.done for one in answer.context["outcomes"]] == [True, True]
    assert ReviewTask.objects.filter(pk=second.pk, ending="raised").exists()
    [refused] = several(client, [third], "to_queue", reason="x", to="no-such").context["outcomes"]
    assert not refused.done


def test_several_needs_a_reason_and_a_choice_of_tasks() -> None:
    client, _boss = signed_in("supervisor")
    task = a_task(claimed_by=make.make_user("reviewer"))
    [outcome] = several(client, [task], "take_away", reason=" ").context["outcomes"]
    assert not outcome.done
    assert several(client, [], "take_away", reason="x").status_code == 302
    assert several(client, [task] * 101, "take_away", reason="x").status_code == 302


def test_acts_on_several_are_offered_and_allowed_to_those_who_lead_alone() -> None:
    client, _user = signed_in()
    task = a_task(claimed_by=make.make_user("reviewer"))
    assert "With those selected" not in client.get(reverse("desk:tasks")).content.decode()
    assert several(client, [task], "take_away", reason="x").status_code == 403
    task.refresh_from_db()
    assert task.assignee is not None


def test_the_way_back_never_leads_out_of_the_house() -> None:
    client, _boss = signed_in("supervisor")
    for back in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"):
        answer = several(client, [a_task()], "take_away", reason="x", back=back)
        assert "evil" not in answer.content.decode()
        assert "javascript:alert" not in answer.content.decode()


def test_a_filter_is_saved_shown_as_a_tab_and_deleted() -> None:
    client, _user = signed_in()
    here = reverse("desk:tasks") + "?overdue=on"
    data = {"page": "tasks", "name": "Late ones", "query": "overdue=on", "back": here}
    assert client.post(reverse("desk:save-filter"), data)["Location"] == here
    html = client.get(here).content.decode()
    assert "Late ones" in html
    assert 'aria-current="page"' in html
    kept = client.get(here).context["saved"][0]
    client.post(reverse("desk:change-filter", args=[kept.pk]), {"verb": "delete", "back": here})
    assert client.get(here).context["saved"] == []
