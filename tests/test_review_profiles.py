"""What people set for themselves and what is set for them: by a verb, audited, and of two tabs the second is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import AuditEvent
from review.models import Calendar, Profile, Skill
from review.profiles import on_duty_in, profile_of, save_preferences, set_up
from tests.factories import make_case_type, make_policy, make_queue, make_user

pytestmark = pytest.mark.django_db

WISHES: dict[str, Any] = {"time_zone": "Europe/Madrid", "language": "es", "keys": False, "hints": True}


def signed_in(role: str) -> tuple[Client, User]:
    user = make_user(role, is_staff=True)
    client = Client()
    client.force_login(user)
    return client, user


def work(**changes: Any) -> dict[str, Any]:
    return {"on_duty": True, "most_claims": 5, "skills": [], "version": 1, "origin": "test", **changes}


def test_who_has_set_nothing_has_the_defaults_and_no_row() -> None:
    user = make_user("reviewer")
    assert (profile_of(user).most_claims, profile_of(user).keys) == (3, True)
    assert not Profile.objects.exists()


def test_preferences_are_kept_audited_and_leave_alone_what_others_set() -> None:
    user = make_user("reviewer")
    Profile.objects.create(user=user, on_duty=True, most_claims=7)
    save_preferences(user, origin="test", **WISHES)
    kept = Profile.objects.get(user=user)
    assert (kept.time_zone, kept.language, kept.keys, kept.on_duty, kept.most_claims) == (
        "Europe/Madrid", "es", False, True, 7,
    )  # fmt: skip
    assert profile_of(user).time_zone == "Europe/Madrid"
    assert AuditEvent.objects.get(action="profile.preferences").actor == user.username


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars/Olympus"), ("language", "tlh")])
def test_a_zone_or_language_that_is_none_is_refused_with_its_field(field: str, value: str) -> None:
    with pytest.raises(Invalid) as told:
        save_preferences(make_user("reviewer"), origin="test", **{**WISHES, field: value})
    assert list(told.value.errors) == [field]
    assert not Profile.objects.exists()


def test_how_somebody_works_is_set_by_an_administrator_and_audited() -> None:
    user, admin, letters = make_user("reviewer"), make_user("administrator"), make_case_type(key="letters")
    set_up(user, by=admin, **work(skills=[(letters.pk, "PT-br"), (None, "es")]))
    kept = Profile.objects.get(user=user)
    assert (kept.on_duty, kept.most_claims, kept.version) == (True, 5, 2)
    assert set(Skill.objects.values_list("case_type__key", "language")) == {("letters", "pt-br"), (None, "es")}
    event = AuditEvent.objects.get(action="profile.changed")
    assert (event.actor, event.data["skills"]) == (admin.username, ["* es", "letters pt-br"])
    set_up(user, by=admin, **work(skills=[(letters.pk, "pt-br"), (None, "es")], version=2))
    assert AuditEvent.objects.filter(action="profile.changed").count() == 1


def test_who_may_not_change_accounts_may_not_set_how_others_work() -> None:
    user, boss = make_user("reviewer"), make_user("supervisor")
    make_queue()
    with pytest.raises(Forbidden):
        set_up(user, by=boss, **work())
    with pytest.raises(Missing):
        set_up(boss, by=user, **work())


def test_of_two_who_change_one_person_the_second_is_refused() -> None:
    user, admin = make_user("reviewer"), make_user("administrator")
    set_up(user, by=admin, **work())
    with pytest.raises(Conflict, match="Somebody else"):
        set_up(user, by=admin, **work(most_claims=9))
    assert Profile.objects.get(user=user).most_claims == 5


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"most_claims": 0}, "most_claims"), ({"most_claims": 51}, "most_claims"), ({"skills": [(None, "%")]}, "skills")],
)
def test_what_may_not_be_so_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as told:
        set_up(make_user("reviewer"), by=make_user("administrator"), **work(**changes))
    assert list(told.value.errors) == [field]


@pytest.mark.postgres_too
def test_on_duty_for_a_queue_are_those_who_may_claim_from_it() -> None:
    people = {role: make_user(role) for role in ("reviewer", "expert", "supervisor", "auditor", "manager")}
    for person in people.values():
        Profile.objects.create(user=person, on_duty=True)
    gone = make_user("reviewer", is_active=False)
    Profile.objects.create(user=gone, on_duty=True)
    make_user("reviewer")
    front = make_queue()
    quality = make_queue("quality", kind="quality", groups=("auditor", "reviewer"))
    assert list(on_duty_in(front)) == [people["reviewer"], people["supervisor"]]
    assert list(on_duty_in(quality)) == [people["auditor"]]


def test_everybody_changes_their_own_preferences_on_a_page() -> None:
    client, user = signed_in("manager")
    page = client.get(reverse("admin:preferences"))
    assert page.status_code == 200
    assert "Europe" in page.content.decode()
    sent = client.post(reverse("admin:preferences"), {"time_zone": "Asia/Tokyo", "language": "", "hints": "on"})
    assert sent.status_code == 302
    kept = Profile.objects.get(user=user)
    assert (kept.time_zone, kept.keys, kept.hints) == ("Asia/Tokyo", False, True)


def test_a_wish_that_cannot_be_is_told_beside_its_field() -> None:
    client, _user = signed_in("reviewer")
    page = client.post(reverse("admin:preferences"), {"time_zone": "Mars/Olympus", "language": "en"})
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert not Profile.objects.exists()


def test_preferences_are_for_those_who_are_signed_in() -> None:
    assert Client().get(reverse("admin:preferences")).status_code == 302


def person_form(user: User, **changes: Any) -> dict[str, Any]:
    skills = {"skills-TOTAL_FORMS": "1", "skills-INITIAL_FORMS": "0", "skills-0-user": user.pk}
    base = {"username": user.username, "is_active": "on", "on_duty": "on", "most_claims": "4", "profile_version": "1"}
    return {**base, **skills, "skills-0-case_type": "", "skills-0-language": "PT-br", **changes}


def test_an_administrator_sets_skills_duty_and_claims_on_the_page_of_a_person() -> None:
    client, _admin = signed_in("administrator")
    user = make_user("reviewer")
    address = reverse("admin:auth_user_change", args=[user.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, person_form(user)).status_code == 302
    kept = Profile.objects.get(user=user)
    assert (kept.on_duty, kept.most_claims) == (True, 4)
    assert [str(skill) for skill in Skill.objects.filter(user=user)] == ["* pt-br"]
    assert AuditEvent.objects.filter(action="profile.changed").count() == 1


def test_of_two_tabs_on_a_person_the_second_is_refused_and_nothing_of_it_is_kept() -> None:
    client, _admin = signed_in("administrator")
    user = make_user("reviewer")
    address = reverse("admin:auth_user_change", args=[user.pk])
    client.post(address, person_form(user))
    page = client.post(address, person_form(user, most_claims="9", email="new@example.com"))
    assert page.status_code == 200
    assert "Somebody else has changed" in page.content.decode()
    user.refresh_from_db()
    assert (Profile.objects.get(user=user).most_claims, user.email) == (4, "")


def test_a_skill_that_is_no_language_is_told_on_the_page() -> None:
    client, _admin = signed_in("administrator")
    user = make_user("reviewer")
    address = reverse("admin:auth_user_change", args=[user.pk])
    page = client.post(address, person_form(user, **{"skills-0-language": "Spanish please"}))
    assert "This is no language" in page.content.decode()
    assert not Skill.objects.exists()


def test_a_supervisor_sees_how_the_team_works_and_cannot_change_it() -> None:
    client, _boss = signed_in("supervisor")
    make_queue()
    user = make_user("reviewer")
    Profile.objects.create(user=user, most_claims=17)
    address = reverse("admin:auth_user_change", args=[user.pk])
    assert "17" in client.get(address).content.decode()
    assert client.post(address, person_form(user)).status_code == 403


def test_the_list_of_people_takes_the_same_few_queries_however_many(django_assert_max_num_queries: Any) -> None:
    client, _admin = signed_in("administrator")
    for _ in range(15):
        Profile.objects.create(user=make_user("reviewer"))
    with django_assert_max_num_queries(14):
        assert client.get(reverse("admin:auth_user_changelist")).status_code == 200


def office(**changes: Any) -> dict[str, Any]:
    hours = {"mon": "9:00–12:30, 13:30 - 18:00", "fri": "09:00-24:00"}
    return {
        "key": "office",
        "name": "Office",
        "time_zone": "Europe/Madrid",
        "holidays": "2026-12-25\n2026-01-01",
        **hours,
        **changes,
    }


def test_a_calendar_is_written_as_people_say_it() -> None:
    client, _admin = signed_in("administrator")
    assert client.post(reverse("admin:review_calendar_add"), office()).status_code == 302
    made = Calendar.objects.get()
    assert made.hours == {"mon": [["09:00", "12:30"], ["13:30", "18:00"]], "fri": [["09:00", "24:00"]]}
    assert made.holidays == ["2026-01-01", "2026-12-25"]
    page = client.get(reverse("admin:review_calendar_change", args=[made.pk])).content.decode()
    assert "09:00–12:30, 13:30–18:00" in page
    assert client.get(reverse("admin:review_calendar_changelist")).status_code == 200
    assert AuditEvent.objects.filter(action="calendar.added").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mon": "9 to 5"}, "Pairs of quoted times"),
        ({"mon": "09:00-13:00, 12:00-18:00"}, "overlap"),
        ({"mon": "", "fri": ""}, "never open"),
        ({"holidays": "Christmas"}, "A date such as"),
        ({"time_zone": "Mars/Olympus"}, "valid choice"),
    ],
)
def test_a_calendar_that_cannot_be_is_told_beside_its_field(changes: dict[str, str], words: str) -> None:
    client, _admin = signed_in("administrator")
    page = client.post(reverse("admin:review_calendar_add"), office(**changes))
    assert page.status_code == 200
    assert words in page.content.decode()
    assert not Calendar.objects.exists()


def test_of_two_tabs_on_a_calendar_the_second_is_refused_and_one_in_use_stays() -> None:
    client, _admin = signed_in("administrator")
    client.post(reverse("admin:review_calendar_add"), office())
    made = Calendar.objects.get()
    address = reverse("admin:review_calendar_change", args=[made.pk])
    assert client.post(address, office(row_version="1", name="One")).status_code == 302
    assert "in the meantime" in client.post(address, office(row_version="1", name="Two")).content.decode()
    assert Calendar.objects.get().name == "One"
    make_policy(make_case_type(), calendar=made)
    assert client.post(reverse("admin:review_calendar_delete", args=[made.pk]), {"post": "yes"}).status_code == 403


def test_a_supervisor_is_told_that_an_administrator_changes_how_people_work() -> None:
    client, _user = signed_in("supervisor")
    make_queue()
    person = make_user("reviewer")
    address = reverse("admin:auth_user_change", args=[person.pk])
    html = client.get(address).content.decode()
    assert "set by an administrator" in html
    assert 'name="most_claims"' not in html
    assert 'name="_save"' not in html
    admin, _boss = signed_in("administrator")
    assert "set by an administrator" not in admin.get(address).content.decode()
