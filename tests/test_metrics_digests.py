"""The weekly mail: to whom, when, once, in whose language, and how it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from cases.errors import Forbidden, Invalid
from cases.models import AuditEvent
from metrics import rollup
from metrics.digests import letter, sending, subscribing
from metrics.models import Digest, DigestSubscription
from review.models import Profile
from tests import factories as make
from tests.metrics_history import MINUTE, History

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 9, 7, tzinfo=UTC)
WEEK = date(2026, 3, 2)
ADDRESS = "https://desk.example"


def manager(*, zone: str = "", language: str = "", name: str = "maya") -> User:
    user = make.make_user("manager", username=name, is_staff=True, email=f"{name}@example.com")
    Profile.objects.create(user=user, time_zone=zone, language=language)
    return user


def subscribed(**profile: str) -> User:
    user = manager(**profile)
    subscribing.subscribe(user, address=ADDRESS)
    DigestSubscription.objects.update(created_at=MONDAY - timedelta(days=9))
    return user


def past() -> None:
    made = History()
    for number in range(40):
        at = datetime(2026, 3, 3, 8, tzinfo=UTC) + number * 10 * MINUTE
        made.automated(at)
        made.decide(made.waiting(at, due=60 * MINUTE), at + 5 * MINUTE, seconds=30, waited=MINUTE)
    rollup.roll_up()


def test_the_mail_holds_figures_words_and_charts_and_goes_once() -> None:
    user = subscribed()
    past()
    assert sending.send_due(now=MONDAY) == 1
    assert sending.send_due(now=MONDAY) == 0
    [sent] = mail.outbox
    assert sent.to == [user.email]
    assert "2026-03-02 – 2026-03-08" in sent.subject
    assert "Escalation rate: 50.0 %" in sent.body
    html = str(sent.alternatives[0][0])  # type: ignore[attr-defined]  # it is one of several forms
    assert html.count('src="cid:') == len(letter.CHARTS)
    assert "style=" not in html
    assert "/cases/" not in html
    parts = [part for part in sent.message().walk() if part.get_content_type() == "image/png"]
    assert {part["Content-ID"] for part in parts} == {f"<{key}>" for key in letter.CHARTS}
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert Digest.objects.get().sent_at is not None


def test_a_failed_mail_is_tried_again_after_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    subscribed()
    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", _refused)
        assert sending.send_due(now=MONDAY) == 0
    assert sending.send_due(now=MONDAY) == 0  # its lease still runs
    Digest.objects.update(lease_until=MONDAY - timedelta(days=365))
    assert sending.send_due(now=MONDAY) == 1
    assert Digest.objects.get().attempts == 2


def _refused(*_arguments: object, **_options: object) -> int:
    raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("zone", "now", "week"),
    [
        ("UTC", datetime(2026, 3, 9, 5, 59, tzinfo=UTC), None),
        ("UTC", datetime(2026, 3, 9, 6, 0, tzinfo=UTC), WEEK),
        ("America/Los_Angeles", datetime(2026, 3, 9, 7, 0, tzinfo=UTC), None),
        ("America/Los_Angeles", datetime(2026, 3, 9, 13, 0, tzinfo=UTC), WEEK),
        # In Auckland it is Monday morning while the week of the reports, which is UTC, still runs.
        ("Pacific/Auckland", datetime(2026, 3, 8, 20, 0, tzinfo=UTC), None),
        ("Pacific/Auckland", datetime(2026, 3, 9, 0, 10, tzinfo=UTC), WEEK),
        ("Mars/Olympus", datetime(2026, 3, 9, 6, 0, tzinfo=UTC), WEEK),
        ("UTC", datetime(2026, 3, 13, 6, 0, tzinfo=UTC), None),  # too late to be news
    ],
)
def test_it_is_due_on_the_readers_monday_morning(zone: str, now: datetime, week: date | None) -> None:
    user = subscribed(zone=zone)
    row = DigestSubscription.objects.select_related("user__profile").get(user=user)
    assert sending.due_week(row, now=now) == week


def test_who_subscribes_today_gets_the_first_mail_next_monday() -> None:
    user = subscribed()
    DigestSubscription.objects.update(created_at=MONDAY)
    row = DigestSubscription.objects.select_related("user__profile").get(user=user)
    assert sending.due_week(row, now=MONDAY) is None
    assert sending.due_week(row, now=MONDAY + timedelta(days=7)) == WEEK + timedelta(days=7)


def test_it_is_written_in_the_readers_language() -> None:
    subscribed(language="es")
    past()
    sending.send_due(now=MONDAY)
    assert "50,0 %" in mail.outbox[0].body


def test_nothing_goes_to_who_may_not_see_reports_any_more() -> None:
    user = subscribed()
    user.groups.clear()
    assert sending.send_due(now=MONDAY) == 0
    assert mail.outbox == []


def test_only_who_may_see_reports_and_has_an_address_may_ask_for_it() -> None:
    with pytest.raises(Forbidden):
        subscribing.subscribe(make.make_user("reviewer", email="r@example.com"), address=ADDRESS)
    with pytest.raises(Invalid):
        subscribing.subscribe(make.make_user("manager"), address=ADDRESS)


def test_one_click_in_the_mail_ends_it_and_a_look_does_not() -> None:
    user = subscribed()
    address = f"/reports/weekly/end/{subscribing.token_of(user)}/"
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.get(address).status_code == 200
    assert subscribing.subscribed(user)
    assert stranger.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not subscribing.subscribed(user)
    assert stranger.post(address).status_code == 200  # twice does no harm
    assert stranger.get("/reports/weekly/end/forged/").status_code == 404
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["digest.subscribed", "digest.unsubscribed"]


def test_the_page_asks_for_it_and_shows_it() -> None:
    client, user = Client(), manager()
    client.force_login(user)
    past()
    assert "Get the weekly mail" in client.get("/reports/weekly/").content.decode()
    client.post("/reports/weekly/", {"wish": "begin"})
    assert DigestSubscription.objects.get().address == "http://testserver"
    assert "End the weekly mail" in client.get("/reports/weekly/").content.decode()
    preview = client.get("/reports/weekly/preview/")
    assert preview.status_code == 200
    assert "style=" not in preview.content.decode()
    client.post("/reports/weekly/", {"wish": "end"})
    assert not subscribing.subscribed(user)


def test_the_preferences_offer_it_to_who_may_see_reports() -> None:
    client, user = Client(), manager()
    client.force_login(user)
    assert "weekly" in client.get("/admin/preferences/").content.decode()
    client.post("/admin/preferences/", {"time_zone": "", "language": "", "weekly": "on"})
    assert subscribing.subscribed(user)
    client.post("/admin/preferences/", {"time_zone": "", "language": ""})
    assert not subscribing.subscribed(user)
    other = Client()
    other.force_login(make.make_user("reviewer", is_staff=True))
    assert 'name="weekly"' not in other.get("/admin/preferences/").content.decode()


@pytest.mark.parametrize("role", ["reviewer", "expert"])
def test_others_find_no_page_of_it(role: str) -> None:
    client = Client()
    client.force_login(make.make_user(role, is_staff=True))
    assert client.get("/reports/weekly/").status_code == 403
    assert client.get("/reports/weekly/preview/").status_code == 403
