"""The lists of the back office: whose rows, how many queries, and nothing that a hostile address could break."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models import ApiToken, AuditEvent, Case, CaseType, Effect, WebhookEndpoint
from cases.models.choices import State
from hitl_project.roles import ROLES
from review.models import Policy, Queue, ReviewTask
from review.policies import propose_policy
from tests import factories as make

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in ("cases", "review", "feedback", "auth")]
HOSTILE = (
    "q=%00",
    "q=%ED%A0%80",
    "q=" + "a" * 5000,
    "q=10" + "0" * 40,
    "q='%20OR%201=1",
    "p=99999999999999999999",
    "p=x",
    "o=-99.x",
    "o=1.2.3.4.5.6.7.8.9",
    "all=1",
    "assignee__password__startswith=pbkdf2",
    "user__password__startswith=m",
    "id__in=1,2,x",
    "id__exact=100000000000000000000",
    "state__exact=%00",
    "queue__id__exact=x",
    "case_type__id__exact=100000000000000000000",
    "e=1",
    "nonsense=1",
    "priority__exact=x",
    "stage=%00",
    "created_at__gte=x",
)


def signed_in(role: str = "supervisor", **fields: Any) -> tuple[Client, User]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


def listing(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def change(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.postgres_too
@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label_lower)
def test_no_address_of_a_list_answers_500(model: Any) -> None:
    client, _ = signed_in(is_superuser=True)
    make.make_task(claimed_by=make.make_user("reviewer"))
    for query in ("", *HOSTILE):
        assert client.get(f"{listing(model)}?{query}").status_code in (200, 302, 400), query
    for number in ("0", "99999999999999999999", "%00", "x", "-1", "1%20OR%201"):
        path = listing(model) + f"{number}/change/"
        assert client.get(path).status_code in (200, 302, 404), path


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_page_that_the_navigation_offers_opens(role: str) -> None:
    client, _ = signed_in(role)
    make.make_task()
    home = client.get(reverse("admin:index"))
    assert home.status_code == 200
    for group in home.context["navigation"]:
        for item in group.items:
            if not item.url.startswith("/admin/rq/"):
                assert client.get(item.url).status_code == 200, item.url


@pytest.mark.parametrize("role", sorted(ROLES))
def test_lists_that_a_role_may_not_see_are_refused(role: str) -> None:
    client, user = signed_in(role)
    for model in OURS:
        app, name = model._meta.app_label, model._meta.model_name
        allowed = any(
            user.has_perm(f"{app}.{verb}")
            for verb in (f"view_{name}", "view_case_with_reason" if name == "case" else "-")
        )
        assert (client.get(listing(model)).status_code == 200) == allowed, model


def test_a_reviewer_lists_only_the_cases_of_their_queues() -> None:
    client, _ = signed_in("reviewer")
    mine = make.make_task()
    foreign = make.make_task(queue=make.make_queue("elsewhere", groups=("expert",)))
    rows = client.get(listing(Case)).context["cl"].result_list
    assert [case.pk for case in rows] == [mine.case_id]
    assert client.get(change(foreign.case)).status_code == 302
    tasks = client.get(listing(ReviewTask)).context["cl"].result_list
    assert [task.pk for task in tasks] == [mine.pk]


def test_what_the_machine_said_is_left_out_while_a_case_is_read_blind() -> None:
    client, _ = signed_in("supervisor")
    case = make.make_case(state=State.IN_REVIEW, label="secret-label", confidence=0.4321, reason="low_confidence")
    prediction = make.make_prediction(case, label="secret-label", confidence=0.4321)
    make.make_decision(case, label="secret-label", output={"label": "secret-label"}, prediction=prediction)
    task = make.make_task(case, blind=True, reason="low_confidence")
    AuditEvent.objects.create(
        action="case.classified", actor="x", origin="x", case_id=case.pk, data={"label": "secret-label"}
    )
    pages = [listing(model) for model in OURS] + [change(case)]
    for page in pages:
        html = client.get(page).content.decode()
        assert "secret-label" not in html, page
        assert "43 %" not in html, page
    ReviewTask.objects.filter(pk=task.pk).update(first_answer={"label": "other"})
    assert "secret-label" in client.get(listing(Case)).content.decode()


def test_an_administrator_gives_a_reason_before_reading_a_case() -> None:
    client, user = signed_in("administrator")
    case = make.make_case(payload={"text": "private words"}, requester="customer-7", label="secret-label")
    rows = client.get(listing(Case)).content.decode()
    assert "customer-7" not in rows
    assert "secret-label" not in rows
    assert "private words" not in client.get(change(case)).content.decode()
    assert "private words" not in client.post(change(case), {"reason": " "}).content.decode()
    assert "private words" in client.post(change(case), {"reason": "complaint 12"}).content.decode()
    event = AuditEvent.objects.get(action="case.viewed")
    assert (event.actor_id, event.data) == (user.pk, {"reason": "complaint 12"})


def test_the_list_of_cases_counts_no_further_than_its_limit_and_reads_no_payload() -> None:
    client, _ = signed_in()
    case_type = make.make_case_type()
    for _number in range(12):
        make.make_case(case_type)
    client.get(listing(Case))
    with CaptureQueriesContext(connection) as queries:
        client.get(listing(Case))
    statements = [query["sql"] for query in queries]
    assert len(statements) <= 14
    assert not any("COUNT(*)" in sql and "cases_case" in sql for sql in statements)
    assert not any('"cases_case"."payload"' in sql for sql in statements)


def test_cases_are_found_by_number_external_id_and_the_beginning_of_a_requester() -> None:
    client, _ = signed_in()
    case = make.make_case(external_id="msg-1", requester="customer-77")
    make.make_case(external_id="msg-2", requester="somebody")
    for term in (str(case.pk), f"%23{case.pk}", "msg-1", "customer"):
        rows = client.get(f"{listing(Case)}?q={term}").context["cl"].result_list
        assert [row.pk for row in rows] == [case.pk], term


def test_no_look_up_beside_the_filters_confirms_what_a_list_hides() -> None:
    client, _ = signed_in()
    for query in (
        "label__exact=x",
        "label__startswith=r",
        "confidence__gt=0.5",
        "reason__exact=x",
        "payload__text=x",
        "sender__password__startswith=a",
    ):
        assert client.get(f"{listing(Case)}?{query}").status_code == 400, query


def test_a_list_is_not_sorted_by_columns_that_no_index_serves() -> None:
    client, _ = signed_in()
    make.make_case()
    for column in range(1, 9):
        answer = client.get(f"{listing(Case)}?o=-{column}.{column}")
        assert answer.status_code == 200
        ordered = set(answer.context["cl"].queryset.query.order_by)
        assert ordered <= {"-id", "id", "pk", "-pk"}, ordered


def test_the_page_of_a_case_tells_its_whole_story() -> None:
    client, user = signed_in()
    task = make.make_task()
    make.make_prediction(task.case, label="refund", confidence=0.7)
    make.make_decision(task.case, by=user, task=task, note="as agreed")
    AuditEvent.objects.create(action="case.received", actor="mailroom", origin="api", case_id=task.case_id)
    html = client.get(change(task.case)).content.decode()
    for part in ("Approved: refund", "70 %", "as agreed", "Case received", "mailroom", "Front Desk"):
        assert part in html, part


def test_a_supervisor_reopens_a_case_with_a_note() -> None:
    client, user = signed_in()
    case = make.make_case(state=State.CLOSED)
    make.make_decision(case, by=user)
    address = reverse("admin:cases_case_reopen", args=[case.pk])
    client.post(address, {"note": " "})
    assert Case.objects.get(pk=case.pk).state == State.CLOSED
    client.post(address, {"note": "the customer called"})
    assert Case.objects.get(pk=case.pk).state == State.IN_REVIEW
    reviewer, _ = signed_in("reviewer")
    Case.objects.update(state=State.CLOSED)
    reviewer.post(address, {"note": "me too"})
    assert Case.objects.get(pk=case.pk).state == State.CLOSED


def test_dead_deliveries_are_sent_again_by_those_who_may() -> None:
    case = make.make_case(state=State.DECIDED)
    dead = [
        Effect.objects.create(case=case, event="case.decided", action="log", key=f"k{n}", status="dead")
        for n in range(3)
    ]
    chosen = {"action": "send_again", "_selected_action": [effect.pk for effect in dead]}
    auditor, _ = signed_in("auditor")
    auditor.post(listing(Effect), chosen)
    assert Effect.objects.dead().count() == 3
    client, _ = signed_in("supervisor")
    answer = client.post(listing(Effect), chosen, follow=True)
    assert "3 deliveries are on their way again." in answer.content.decode()
    assert Effect.objects.dead().count() == 0


def test_1500_selected_rows_and_rows_that_do_not_exist_do_no_harm() -> None:
    client, _ = signed_in("supervisor")
    chosen = {"action": "send_again", "_selected_action": list(range(1, 1501))}
    assert client.post(listing(Effect), chosen).status_code in (200, 302)
    assert client.post(
        listing(Effect), {"action": "send_again", "_selected_action": ["x", "\x00", "9" * 30]}
    ).status_code in (200, 302, 400)


def case_type_form(row: CaseType, **changes: Any) -> dict[str, Any]:
    fields = {
        "key": row.key,
        "name": row.name,
        "impact": row.impact,
        "guidelines": row.guidelines,
        "output_schema": '{"type": "object", "properties": {"label": {"enum": ["a"]}}}',
        "manual_minutes": "5",
        "classifier": "supplied",
        "action": "",
        "row_version": row.version,
    }
    return {**fields, **changes}


def test_of_two_tabs_the_second_save_is_refused() -> None:
    client, _ = signed_in("administrator")
    row = make.make_case_type()
    assert client.post(change(row), case_type_form(row, name="First")).status_code == 302
    second = client.post(change(row), case_type_form(row, name="Second"))
    assert second.status_code == 200
    assert "Somebody else has saved this in the meantime" in second.content.decode()
    row.refresh_from_db()
    assert (row.name, row.version) == ("First", 2)
    assert AuditEvent.objects.filter(action="casetype.changed").count() == 1


def test_a_queue_that_somebody_else_changed_is_not_overwritten() -> None:
    client, _ = signed_in("administrator")
    queue = make.make_queue()
    typed = {"name": "Desk one", "kind": "general", "weight": 2, "on_breach": "raise", "groups": [], "row_version": 1}
    assert client.post(change(queue), typed).status_code == 302
    assert client.post(change(queue), {**typed, "name": "Desk two"}).status_code == 200
    queue.refresh_from_db()
    assert queue.name == "Desk one"


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        "NaN",
        '{"a": 1e400}',
        '{"a":' * 500,
        '{"type": "array"}',
        '"x"',
        '{"type": "object", "pattern": "("}',
        '{"a": "\\u0000"}',
    ],
)
def test_a_bad_output_schema_is_a_form_error(schema: str) -> None:
    client, _ = signed_in("administrator")
    row = make.make_case_type()
    answer = client.post(change(row), case_type_form(row, output_schema=schema))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["output_schema"]


def test_a_queue_that_rules_point_at_is_kept_and_the_rules_are_named() -> None:
    client, _ = signed_in("administrator")
    case_type = make.make_case_type(name="Letters")
    queue = Queue.objects.get(key="front-desk")
    address = reverse("admin:review_queue_delete", args=[queue.pk])
    for method in (client.get, client.post):
        page = method(address, {"post": "yes"}, follow=True)
        assert page.status_code == 200
        assert "Letters, version 1 (active), rule 0" in page.content.decode()
    Policy.objects.filter(case_type=case_type).update(status="retired")
    assert "Earlier policies name" in client.post(address, {"post": "yes"}, follow=True).content.decode()
    assert Queue.objects.filter(pk=queue.pk).exists()


def test_a_queue_in_which_cases_have_waited_is_kept_and_an_unused_one_can_go() -> None:
    client, _ = signed_in("administrator")
    used, unused = make.make_queue("used"), make.make_queue("unused")
    make.make_task(queue=used)
    delete = {queue: reverse("admin:review_queue_delete", args=[queue.pk]) for queue in (used, unused)}
    assert "Cases have waited" in client.post(delete[used], {"post": "yes"}, follow=True).content.decode()
    client.post(delete[unused], {"post": "yes"})
    assert set(Queue.objects.filter(key__in=["used", "unused"])) == {used}


def test_a_rule_that_comes_between_the_question_and_the_deletion_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = signed_in("administrator")
    queue = make.make_queue("late")

    def rule_comes(self: Any, request: Any, obj: Any) -> None:
        make.make_case_type(rules=[{"default": True, "queue": obj}])
        obj.delete()

    monkeypatch.setattr("review.admin.queues.QueueAdmin.delete_model", rule_comes)
    page = client.post(reverse("admin:review_queue_delete", args=[queue.pk]), {"post": "yes"}, follow=True)
    assert page.status_code == 200
    assert Queue.objects.filter(pk=queue.pk).exists()


def test_a_token_is_shown_once_and_can_be_revoked() -> None:
    client, _ = signed_in("administrator")
    bot = make.make_user("integration")
    page = client.post(reverse("admin:cases_apitoken_add"), {"user": bot.pk, "expires_days": "30"})
    assert "cs_" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    token = ApiToken.objects.get()
    assert "cs_" + "x" not in client.get(listing(ApiToken)).content.decode()
    client.post(listing(ApiToken), {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at


def test_an_endpoint_shows_its_secret_once() -> None:
    client, _ = signed_in("administrator")
    typed = {"key": "crm", "url": "https://crm.example/hooks", "events": ["case.decided"]}
    page = client.post(reverse("admin:cases_webhookendpoint_add"), typed)
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in page.content.decode()
    assert endpoint.secret not in client.get(change(endpoint)).content.decode()
    inside = client.post(reverse("admin:cases_webhookendpoint_add"), {**typed, "key": "b", "url": "http://127.0.0.1/"})
    assert inside.status_code == 200
    assert WebhookEndpoint.objects.count() == 1


def test_a_policy_is_proposed_by_one_and_put_in_force_by_another() -> None:
    author, account = signed_in("supervisor")
    case_type = make.make_case_type("exception_handler", policy={"threshold": 0.9})
    proposed = propose_policy(case_type, author=account, reason="it is sure enough", threshold=0.7)
    author.post(change(proposed), {"verb": "approve"})
    proposed.refresh_from_db()
    assert proposed.status == "proposed"
    other, _ = signed_in("supervisor")
    other.post(change(proposed), {"verb": "approve"})
    proposed.refresh_from_db()
    assert (proposed.status, proposed.threshold) == ("active", 0.7)


def test_automatic_decisions_are_stopped_at_once() -> None:
    client, _ = signed_in("supervisor")
    row = make.make_case_type("exception_handler").policies.get()
    client.post(change(row), {"verb": "stop", "note": "wrong since noon"})
    assert Policy.objects.get(status="active").mode == "validator"


def test_deactivating_somebody_gives_their_work_back() -> None:
    client, _ = signed_in("administrator")
    task = make.make_task(claimed_by=make.make_user("reviewer", username="rolf", is_staff=True))
    rolf = User.objects.get(username="rolf")
    typed = {
        "username": "rolf",
        "first_name": "",
        "last_name": "",
        "email": "",
        "is_staff": "on",
        "groups": [rolf.groups.get().pk],
        "most_claims": "3",
        "profile_version": "1",
        "skills-TOTAL_FORMS": "0",
        "skills-INITIAL_FORMS": "0",
    }
    assert client.post(change(rolf), typed).status_code == 302
    rolf.refresh_from_db()
    task.refresh_from_db()
    assert (rolf.is_active, task.assignee) == (False, None)


def test_an_administrator_makes_nobody_a_superuser_and_touches_none() -> None:
    client, user = signed_in("administrator")
    typed = {
        "username": user.username,
        "is_staff": "on",
        "is_active": "on",
        "is_superuser": "on",
        "groups": [user.groups.get().pk],
    }
    client.post(change(user), typed)
    user.refresh_from_db()
    assert not user.is_superuser
    root = make.make_user(username="root", is_superuser=True)
    assert client.post(change(root), {"username": "mine"}).status_code == 403


def test_nobody_adds_changes_or_deletes_what_is_only_ever_superseded() -> None:
    client, _ = signed_in(is_superuser=True)
    event = AuditEvent.objects.create(action="a", actor="a", origin="a")
    for label in (
        "cases_case",
        "cases_auditevent",
        "cases_effect",
        "review_decision",
        "review_reviewtask",
        "feedback_correction",
    ):
        assert client.get(reverse(f"admin:{label}_add")).status_code in (403, 404), label
    assert client.post(change(event), {"action": "b"}).status_code == 403
    assert client.post(reverse("admin:cases_auditevent_delete", args=[event.pk]), {"post": "yes"}).status_code == 403


def test_the_first_run_says_what_to_do() -> None:
    client, _ = signed_in("administrator")
    assert "Nothing is set up yet" in client.get(reverse("admin:index")).content.decode()


def test_error_pages_are_calm_and_tell_nothing() -> None:
    client, _ = signed_in("manager")
    assert "There is nothing here" in client.get("/admin/desk/1/").content.decode()
    assert "You may not do this" in client.post("/admin/desk/").content.decode()
    strict = Client(enforce_csrf_checks=True)
    assert "This form has grown old" in strict.post("/admin/login/").content.decode()
