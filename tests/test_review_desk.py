"""The review desk as its users meet it: claim, read, decide, next."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models.choices import Reason, State
from review.models import Decision, ReviewTask
from tests import factories as make

pytestmark = pytest.mark.django_db


def signed_in(role: str = "reviewer", **fields: Any) -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


def a_task(
    *, prediction: dict[str, Any] | None = None, case: dict[str, Any] | None = None, **fields: Any
) -> ReviewTask:
    case_type = fields.pop("case_type", None) or make.make_case_type()
    one = make.make_case(case_type, state=State.IN_REVIEW, **(case or {}))
    make.make_prediction(one, **(prediction or {}))
    return make.make_task(one, **fields)


def page_of(task: ReviewTask) -> str:
    return reverse("desk:review", args=[task.pk])


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden {name}"
    return found.group(1)


def submission(client: Client, task: ReviewTask, **fields: Any) -> dict[str, Any]:
    html = client.get(page_of(task)).content.decode()
    bound = {name: hidden(html, name) for name in ("lease_token", "digest")}
    return {**bound, "output.label": "refund", "output.amount": "", "active_seconds": "1", **fields}


def test_starting_takes_the_next_case_and_shows_it() -> None:
    client, user = signed_in()
    task = a_task()
    answer = client.post(reverse("desk:start"))
    assert answer.status_code == 302
    assert answer["Location"] == page_of(task)
    task.refresh_from_db()
    assert task.assignee == user
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert task.case.payload["text"] in page.content.decode()


@pytest.mark.postgres_too
def test_approving_decides_and_brings_the_next_case() -> None:
    client, user = signed_in()
    first, second = a_task(claimed_by=user), a_task()
    answer = client.post(page_of(first), submission(client, first, verb="approve"))
    decision = Decision.objects.get(task=first)
    assert (decision.outcome, decision.output, decision.override) == ("approve", {"label": "refund"}, False)
    assert answer["Location"] == f"{page_of(second)}?after={first.pk}"
    assert f"Decided #{first.case_id}" in client.get(answer["Location"]).content.decode()


def test_saving_changes_amends_and_counts_as_an_override() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    client.post(
        page_of(task), submission(client, task, verb="amend", **{"output.label": "billing", "output.amount": "12.50"})
    )
    decision = Decision.objects.get(task=task)
    assert (decision.outcome, decision.output, decision.override) == (
        "amend",
        {"label": "billing", "amount": 12.5},
        True,
    )


def test_the_page_needs_at_most_fifteen_queries_and_150_kilobytes() -> None:
    client, user = signed_in()
    case = {"payload": {"text": "I was charged twice. " * 500}, "requester": "customer-7"}
    task = a_task(
        claimed_by=user, case=case, prediction={"evidence": [{"field": "payload.text", "start": 6, "end": 19}]}
    )
    for _ in range(6):
        make.make_case(task.case.case_type, requester="customer-7", state=State.CLOSED)
    client.get(page_of(task))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.get(page_of(task) + f"?after={task.pk}")
    assert page.status_code == 200
    assert len(queries) <= 15, "\n".join(query["sql"][:150] for query in queries)
    assert len(page.content) < 150_000


def test_a_blind_task_tells_nothing_of_the_machine_until_it_is_answered() -> None:
    client, user = signed_in()
    task = a_task(
        claimed_by=user,
        blind=True,
        reason=Reason.LOW_CONFIDENCE,
        trace=[{"need": "low_confidence", "result": True, "confidence": 0.4267, "threshold": 0.8}],
        prediction={
            "label": "billing",
            "confidence": 0.4267,
            "rationale": "secret rationale",
            "evidence": [{"field": "payload.text", "start": 0, "end": 4}],
            "alternatives": [{"label": "other", "confidence": 0.1}],
            "model": "secret-model",
        },
    )
    html = client.get(page_of(task)).content.decode()
    for told in ("0.4267", "43 %", "secret", "cs-mark", "low confidence", "threshold", "checked"):
        assert told not in html, told
    answer = client.post(page_of(task), submission(client, task, verb="answer"))
    assert answer["Location"] == page_of(task)
    after = client.get(page_of(task)).content.decode()
    assert "secret rationale" in after
    assert "differs from your answer" in after
    client.post(page_of(task), submission(client, task, verb="amend"))
    decision = Decision.objects.get(task=task)
    assert decision.output == {"label": "refund"}
    assert decision.override


def test_a_reader_finds_input_reasons_evidence_history_and_guidelines_on_one_page() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(guidelines="Read **twice**.<script>alert(1)</script>")
    make.make_case(case_type, requester="customer-7", state=State.CLOSED, label="an-earlier-label")
    task = a_task(
        case_type=case_type,
        claimed_by=user,
        reason=Reason.LOW_CONFIDENCE,
        note="look at the amount",
        trace=[
            {"need": "low_confidence", "result": True, "confidence": 0.62, "threshold": 0.8},
            {
                "rule": 1,
                "result": True,
                "reason": "low_confidence",
                "queue": "experts",
                "conditions": [{"field": "output.amount", "op": "gt", "value": 5, "actual": 7, "result": True}],
            },
        ],
        case={
            "payload": {"text": "I was charged twice", "order": {"id": 991}},
            "requester": "customer-7",
            "context": [{"title": "Order 991", "text": "one lamp", "url": "https://shop.example/991"}],
        },
        prediction={
            "confidence": 0.62,
            "rationale": "the words say so",
            "evidence": [{"field": "payload.text", "start": 6, "end": 19}],
            "alternatives": [{"label": "billing", "confidence": 0.21}],
        },
    )
    html = client.get(page_of(task)).content.decode()
    for part in (
        '<mark class="cs-mark" id="evidence-1">charged twice</mark>',
        "The confidence of 62 % is below the threshold of 80 %.",
        "output.amount is more than 5 (it is: 7)",
        "the words say so",
        "Order 991",
        "https://shop.example/991",
        "an-earlier-label",
        "look at the amount",
        "<strong>twice</strong>",
        "&lt;script&gt;",
        "21 %",
        "<dt>Id</dt>",
    ):
        assert part in html, part
    assert "<script>alert" not in html


def test_hostile_text_is_shown_and_never_executed() -> None:
    client, user = signed_in()
    text = "<img src=x onerror=alert(1)> \u202egnp.exe\u200b </mark><script>alert(2)</script>"
    spans = [
        {"field": "payload.text", "start": 2, "end": 9},
        {"field": "payload.text", "start": 5, "end": 999},
        {"start": "x"},
        7,
    ]
    task = a_task(
        claimed_by=user, case={"payload": {"text": text, "<b>key": {"<i>": "<u>"}}}, prediction={"evidence": spans}
    )
    html = client.get(page_of(task)).content.decode()
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    assert "<u>" not in html
    assert "<i>" not in html
    assert "U+202E" in html
    assert "U+200B" in html


@pytest.mark.postgres_too
def test_a_decision_after_the_lease_was_lost_is_refused_and_keeps_what_was_typed() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    typed = submission(client, task, verb="amend", note="typed with care", **{"output.label": "billing"})
    ReviewTask.objects.filter(pk=task.pk).update(lease_until="2020-01-01T00:00Z")
    answer = client.post(page_of(task), typed)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "no longer in your hands" in html
    assert "typed with care" in html
    assert re.search(r'value="billing"\s+checked', html)
    again = client.post(page_of(task), {**typed, "verb": "reclaim"})
    assert again.status_code == 200
    assert "typed with care" in again.content.decode()
    renewed = {name: hidden(again.content.decode(), name) for name in ("lease_token", "digest")}
    client.post(page_of(task), {**typed, **renewed})
    assert Decision.objects.get(task=task).label == "billing"


def test_a_decision_on_content_that_has_changed_is_refused_and_can_be_repeated() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    typed = submission(client, task, verb="approve")
    make.make_prediction(task.case, label="other", confidence=0.9)
    answer = client.post(page_of(task), {**typed, "output.label": "refund"})
    assert answer.status_code == 409
    assert "has changed since you opened it" in answer.content.decode()
    assert not Decision.objects.exists()


def test_a_second_click_is_told_who_decided() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    typed = submission(client, task, verb="approve")
    client.post(page_of(task), typed)
    answer = client.post(page_of(task), typed)
    assert answer.status_code == 409
    assert f"decided by {user.username}" in answer.content.decode()
    assert Decision.objects.count() == 1


def test_rejecting_without_a_reason_and_wrong_numbers_come_back_beside_their_field() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="reject"))
    assert answer.status_code == 422
    assert "Say why the case is rejected." in answer.content.decode()
    for typed in ("a lot", "NaN", "1e400", "9" * 5000):
        answer = client.post(page_of(task), submission(client, task, verb="amend", **{"output.amount": typed}))
        assert answer.status_code == 422, typed
        assert 'id="field-amount-errors"' in answer.content.decode()
    assert not Decision.objects.exists()


def test_an_approval_of_changed_fields_is_not_taken_for_an_approval() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="approve", **{"output.label": "other"}))
    assert answer.status_code == 422
    assert not Decision.objects.exists()


def test_raising_passes_the_task_on_with_its_reason_and_releasing_gives_it_back() -> None:
    client, user = signed_in()
    make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    task, other = a_task(claimed_by=user), a_task()
    answer = client.post(page_of(task), submission(client, task, verb="raise", note="a solicitor writes"))
    assert answer["Location"].startswith(page_of(other))
    raised = ReviewTask.objects.get(case=task.case, closed_at=None)
    assert (raised.queue.key, raised.note) == ("supervisors", "a solicitor writes")
    answer = client.post(page_of(other), submission(client, other, verb="release"))
    assert answer["Location"].startswith(reverse("desk:start"))
    other.refresh_from_db()
    assert other.assignee is None


def test_what_one_may_not_see_is_404_and_what_one_may_not_do_is_403() -> None:
    client, _user = signed_in()
    foreign = make.make_queue("elsewhere", groups=("expert",))
    task = a_task(queue=foreign)
    assert client.get(page_of(task)).status_code == 404
    assert client.post(page_of(task), {"verb": "claim"}).status_code == 404
    assert client.get("/admin/desk/99999999999999999999/").status_code == 404
    assert client.get("/admin/desk/0/").status_code == 404
    auditor, _ = signed_in("auditor")
    assert auditor.get(page_of(task)).status_code == 200
    assert auditor.post(page_of(task), {"verb": "claim"}).status_code == 403
    manager, _ = signed_in("manager")
    assert manager.get(page_of(task)).status_code == 404
    assert manager.post(reverse("desk:start")).status_code == 403
    assert Client().get(page_of(task)).status_code == 302


def test_an_empty_desk_is_told_apart_from_one_where_everything_is_claimed() -> None:
    client, _user = signed_in()
    make.make_queue()
    assert "All done" in client.get(reverse("desk:start")).content.decode()
    a_task(claimed_by=make.make_user("reviewer"))
    assert "Everything is claimed" in client.get(reverse("desk:start")).content.decode()
    assert client.post(reverse("desk:start"))["Location"] == f"{reverse('desk:start')}?none=1"
    expert, _ = signed_in("expert")
    assert "You work in no queue yet" in expert.get(reverse("desk:start")).content.decode()


def test_starting_again_returns_to_what_one_holds_already() -> None:
    client, user = signed_in()
    held, free = a_task(claimed_by=user), a_task()
    assert client.post(reverse("desk:start"))["Location"] == page_of(held)
    free.refresh_from_db()
    assert free.assignee is None


def test_undo_within_the_grace_period_brings_the_case_back_to_the_same_desk() -> None:
    client, user = signed_in()
    task = a_task(case_type=make.make_case_type(policy={"grace_seconds": 60}), claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="approve"))
    assert "data-undo" in client.get(answer["Location"]).content.decode()
    answer = client.post(reverse("desk:undo", args=[task.pk]))
    again = ReviewTask.objects.get(case=task.case, closed_at=None)
    assert answer["Location"] == page_of(again)
    assert again.assignee == user


def test_without_a_grace_period_no_undo_is_offered() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="approve"))
    assert "data-undo" not in client.get(answer["Location"]).content.decode()


def second_approval(client: Client, user: Any) -> ReviewTask:
    rule = [{"field": "output.amount", "op": "gt", "value": 100}]
    lane = make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    rules = [{"default": True, "queue": make.make_queue()}, {"reason": "second_approval", "queue": lane}]
    task = a_task(case_type=make.make_case_type(policy={"second_approval": rule}, rules=rules), claimed_by=user)
    typed = submission(
        client, task, verb="amend", note="over the limit", **{"output.label": "refund", "output.amount": "250"}
    )
    client.post(page_of(task), typed)
    return ReviewTask.objects.get(case=task.case, closed_at=None)


def test_a_second_person_sees_the_held_decision_and_lets_it_act() -> None:
    client, user = signed_in()
    waiting = second_approval(client, user)
    boss, _ = signed_in("supervisor")
    user.groups.add(Group.objects.get(name="supervisor"))
    assert "Somebody else has to look at this" in client.get(page_of(waiting)).content.decode()
    boss.post(page_of(waiting), {"verb": "claim"})
    html = boss.get(page_of(waiting)).content.decode()
    assert f"{user.username} decided" in html
    assert "250" in html
    assert "over the limit" in html
    seen = {name: hidden(html, name) for name in ("lease_token", "digest")}
    assert boss.post(page_of(waiting), {"verb": "accept", **seen, "digest": ""}).status_code == 409
    boss.post(page_of(waiting), {"verb": "accept", **seen})
    assert Decision.objects.get(case=waiting.case).approval.approved


def test_a_second_person_sends_a_decision_back_with_a_note() -> None:
    client, user = signed_in()
    waiting = second_approval(client, user)
    boss, _ = signed_in("supervisor")
    boss.post(page_of(waiting), {"verb": "claim"})
    html = boss.get(page_of(waiting)).content.decode()
    seen = {name: hidden(html, name) for name in ("lease_token", "digest")}
    assert boss.post(page_of(waiting), {"verb": "send_back", **seen}).status_code == 422
    boss.post(page_of(waiting), {"verb": "send_back", **seen, "note": "half would do"})
    back = ReviewTask.objects.get(case=waiting.case, closed_at=None)
    assert (back.queue.key, back.note) == ("front-desk", "half would do")
    assert "half would do" in client.get(page_of(back)).content.decode()


def test_a_quality_sample_is_read_blind_and_nothing_tells_what_the_policy_decided() -> None:
    quality = make.make_queue("quality", kind="quality", groups=("auditor",))
    case = make.make_case(state=State.CLOSED, label="secret-label", confidence=0.9)
    prediction = make.make_prediction(case, label="secret-label", output={"label": "other"})
    make.make_decision(case, label="secret-label", output={"label": "other"}, prediction=prediction)
    client, user = signed_in("auditor")
    task = make.make_task(case, queue=quality, reason=Reason.SAMPLE, blind=True, claimed_by=user)
    assert "secret-label" not in client.get(page_of(task)).content.decode()
    client.post(page_of(task), submission(client, task, verb="answer"))
    after = client.get(page_of(task)).content.decode()
    assert "differs from your answer" in after
    client.post(page_of(task), submission(client, task, verb="amend"))
    task.refresh_from_db()
    assert task.ending == "decided"


def test_a_heartbeat_extends_the_lease_and_tells_when_it_is_lost() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    address = reverse("desk:heartbeat", args=[task.pk])
    assert client.post(address, {"lease_token": 1}).json()["seconds"] > 500
    for token in (2, "x", "9" * 30, ""):
        lost = client.post(address, {"lease_token": token})
        assert lost.status_code == 409
        assert lost.json()["detail"]


def test_active_seconds_are_never_more_than_the_task_is_old() -> None:
    client, user = signed_in()
    for typed, most in (("3", 3.0), ("99999999", 30.0), ("nan", 0.0), ("-4", 0.0), ("", 0.0)):
        task = a_task(claimed_by=user)
        client.post(page_of(task), submission(client, task, verb="approve", active_seconds=typed))
        seconds = Decision.objects.get(task=task).active_seconds
        assert seconds is not None
        assert 0 <= seconds <= most


@pytest.mark.postgres_too
def test_hostile_submissions_are_refused_without_an_error() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    for fields in (
        {"verb": "amend", "note": "a\x00b", "output.label": "a\x00b"},
        {"verb": "amend", "output.label": "\ud800"},
        {"verb": "drop table"},
        {"verb": "approve", "lease_token": "10" * 40},
        {"verb": "approve", "digest": "x" * 100_000},
        {},
    ):
        encoded = {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}
        answer = client.post(page_of(task), {**submission(client, task), **encoded})
        assert answer.status_code in (409, 422), fields
    assert not Decision.objects.exists()


def test_of_a_long_list_of_labels_the_likely_ones_come_first_and_answer_to_digits() -> None:
    client, user = signed_in()
    schema = {"type": "object", "properties": {"label": {"enum": [f"label-{number}" for number in range(77)]}}}
    said = {
        "output": {"label": "label-7"},
        "label": "label-7",
        "alternatives": [{"label": "label-50", "confidence": 0.2}],
    }
    task = a_task(case_type=make.make_case_type(output_schema=schema), claimed_by=user, prediction=said)
    html = client.get(page_of(task)).content.decode()
    assert '<option value="label-7" data-digit="1" selected>label-7 (70 %) · 1</option>' in html
    assert '<option value="label-50" data-digit="2">label-50 (20 %) · 2</option>' in html
    assert html.count('value="label-7"') == 1


EVERY_KIND = {
    "type": "object",
    "required": ["label", "count"],
    "properties": {
        "label": {"enum": ["a", "b"]},
        "many": {"enum": [f"option-{number}" for number in range(40)]},
        "draft": {"type": "string"},
        "title": {"type": "string", "maxLength": 40},
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "due": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "labels": {"type": "array", "items": {"enum": ["x", "y", "z"]}},
        "nested": {"type": "object", "properties": {"sku": {"type": "string"}}},
        "free": {"type": "object"},
    },
}
EVERY_VALUE = {
    "label": "a",
    "many": "option-7",
    "draft": "Dear customer,\r\n\r\nthank you.",
    "title": "Refund",
    "amount": 40.0,
    "count": 3,
    "urgent": False,
    "due": "2026-03-31",
    "tags": ["one", "two"],
    "labels": ["x", "z"],
    "nested": {"sku": "42"},
    "free": {},
}


def every_field(**changes: Any) -> dict[str, Any]:
    given = {
        **{name: value for name, value in EVERY_VALUE.items() if name != "nested"},
        "amount": "40.0",
        "urgent": "false",
        "tags": "one\ntwo",
        "nested.sku": "42",
        "free": "{}",
        **changes,
    }
    return {f"output.{name}": value for name, value in given.items()}


def test_an_untouched_form_of_every_kind_of_field_is_an_approval() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(output_schema=EVERY_KIND)
    task = a_task(case_type=case_type, claimed_by=user, prediction={"output": EVERY_VALUE, "label": "a"})
    client.post(page_of(task), submission(client, task, verb="approve", **every_field()))
    decision = Decision.objects.get(task=task)
    assert (decision.outcome, decision.output) == ("approve", EVERY_VALUE)


def test_every_kind_of_field_can_be_changed() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(output_schema=EVERY_KIND)
    task = a_task(case_type=case_type, claimed_by=user, prediction={"output": EVERY_VALUE, "label": "a"})
    changes = every_field(
        label="b",
        many="",
        draft="No.",
        title="",
        amount="-1.5",
        count="4",
        urgent="true",
        due="2027-01-01",
        tags="three\n\nfour",
        labels=["y"],
        **{"nested.sku": "43"},
    )
    client.post(page_of(task), submission(client, task, verb="amend", **changes))
    assert Decision.objects.get(task=task).output == {
        "label": "b",
        "draft": "No.",
        "amount": -1.5,
        "count": 4,
        "urgent": True,
        "due": "2027-01-01",
        "tags": ["three", "four"],
        "labels": ["y"],
        "nested": {"sku": "43"},
        "free": {},
    }


def test_unreadable_fields_name_what_would_be_right() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(output_schema=EVERY_KIND)
    task = a_task(case_type=case_type, claimed_by=user, prediction={"output": EVERY_VALUE, "label": "a"})
    for name, typed, told in (
        ("count", "3.5", "Give a whole number"),
        ("count", "", "Fill this in."),
        ("due", "31.3.2026", "Give a date"),
        ("free", "{", "This is no JSON (line 1, column 2)"),
        ("free", "[" * 500, "nested too deeply"),
        ("free", "NaN", "This is no JSON"),
        ("label", "c", "Choose one of the answers offered."),
    ):
        answer = client.post(page_of(task), submission(client, task, verb="amend", **every_field(**{name: typed})))
        assert answer.status_code == 422, name
        assert told in answer.content.decode(), (name, typed)


def test_pages_carry_no_inline_style_and_no_inline_script() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    for address in (page_of(task), reverse("desk:start"), reverse("admin:index"), reverse("admin:login")):
        html = client.get(address, follow=True).content.decode()
        assert " style=" not in html, address
        assert "<style" not in html, address
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", html), address
        assert not re.search(r"\son[a-z]+=", html), address
