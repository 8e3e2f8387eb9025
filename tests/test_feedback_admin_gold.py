"""The pages of known cases: made from a closed case, refused with a reason, looked after, retired."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from cases.models import Case
from feedback.models import GoldCase
from tests.factories import make_case, make_case_type, make_user
from tests.gold import answer, closed_case, drill, planted

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
ADD = "/admin/feedback/goldcase/add/"


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_user("supervisor", is_staff=True))
    return client


def test_a_closed_case_leads_to_the_form_which_proposes_a_wrong_answer(lead: Client) -> None:
    case = closed_case(make_case_type(), said="billing", right="refund")
    page = lead.get(f"/admin/cases/case/{case.pk}/change/").content.decode()
    assert f"{ADD}?case={case.pk}&amp;kind=drill" in page
    form = lead.get(f"{ADD}?case={case.pk}&kind=drill").content.decode()
    assert "refund" in form
    assert "billing" in form


def test_a_drill_is_made_with_its_wrong_answer_and_why(lead: Client) -> None:
    case = closed_case(make_case_type())
    sent = {"kind": "drill", "shown": json.dumps({"label": "other"}), "why": "Look at the date."}
    answered = lead.post(f"{ADD}?case={case.pk}", sent)
    made = GoldCase.objects.get()
    assert answered["Location"] == f"/admin/feedback/goldcase/{made.pk}/change/"
    assert (made.kind, made.shown, made.why) == ("drill", {"label": "other"}, "Look at the date.")


def test_a_case_is_used_as_it_was(lead: Client) -> None:
    case = closed_case(make_case_type(), said="billing", right="refund")
    lead.post(f"{ADD}?case={case.pk}", {"kind": "gold", "shown": "", "why": ""})
    assert GoldCase.objects.get().shown == {"label": "billing"}


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("not json", "not valid JSON"),
        ("[]", "JSON object"),
        ('{"label": "unheard-of"}', "label"),
        ('{"label": "refund"}', "Give a wrong output"),
        ('{"label": "other", "amount": 1e999}', "amount"),
        ("", "Nothing was sent"),
        ('{"label": "a\\u0000b"}', "label"),
    ],
)
def test_a_wrong_answer_that_cannot_be_shown_is_refused_beside_its_field(lead: Client, shown: str, told: str) -> None:
    case = closed_case(make_case_type())
    answered = lead.post(f"{ADD}?case={case.pk}", {"kind": "drill", "shown": shown, "why": ""})
    assert answered.status_code == 422
    assert told in answered.content.decode()
    assert not GoldCase.objects.exists()


def test_what_is_not_known_is_refused_in_words(lead: Client) -> None:
    case = make_case(make_case_type(), state="in_review")
    answered = lead.get(f"{ADD}?case={case.pk}")
    assert answered.status_code == 409
    assert "Only a closed case" in answered.content.decode()
    assert lead.get(f"{ADD}?case={10**20}").status_code == 200
    assert lead.get(f"{ADD}?case=999999").status_code == 404
    assert "Give the number" in lead.get(f"{ADD}?case=abc").content.decode()


def test_its_page_tells_how_worn_it_is_and_retires_it(lead: Client) -> None:
    user, task = make_user("reviewer"), planted()
    answer(task, user, caught=True)
    made = GoldCase.objects.get()
    page = lead.get(f"/admin/feedback/goldcase/{made.pk}/change/").content.decode()
    assert "1 of 10 readers" in page
    assert user.username in page
    lead.post(f"/admin/feedback/goldcase/{made.pk}/retire/", {"reason": ""})
    assert GoldCase.objects.get().retired_at is None
    lead.post(f"/admin/feedback/goldcase/{made.pk}/retire/", {"reason": "It was talked about."})
    assert GoldCase.objects.get().retired_because == "It was talked about."


def test_several_are_retired_with_one_reason(lead: Client) -> None:
    case_type = make_case_type("exception_handler")
    made = [drill(case_type) for _number in range(3)]
    sent = {"action": "retire", "_selected_action": [str(made[0].pk), str(made[1].pk)]}
    assert "2 known cases" in lead.post("/admin/feedback/goldcase/", sent).content.decode()
    lead.post("/admin/feedback/goldcase/retire/", {"_selected_action": sent["_selected_action"], "reason": "Old."})
    assert GoldCase.objects.filter(retired_at__isnull=True).get() == made[2]


@pytest.mark.parametrize("role", ["reviewer", "expert", "manager", "administrator", "integration"])
def test_who_reads_or_runs_the_house_sees_none_of_it(client: Client, role: str) -> None:
    made = drill(make_case_type("exception_handler"))
    client.force_login(make_user(role, is_staff=True))
    for path in (
        ADD,
        f"{ADD}?case={made.case_id}",
        "/admin/feedback/goldcase/",
        f"/admin/feedback/goldcase/{made.pk}/change/",
    ):
        assert client.get(path).status_code in (403, 404), path
    assert client.post(f"/admin/feedback/goldcase/{made.pk}/retire/", {"reason": "x"}).status_code in (403, 404)
    assert Case.objects.exists()
