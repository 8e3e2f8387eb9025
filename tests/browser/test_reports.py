"""The reports page in a real browser: charts drawn under the strict policy, in both themes, at both widths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from metrics import charts, rollup
from tests.metrics_history import MINUTE, History
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FIGURES = len(charts.DRAWN)
DRAWN = f"document.querySelectorAll('.reports-plot .main-svg').length >= {FIGURES}"
COLOUR = "getComputedStyle(document.querySelector('[data-name=backlog] .js-line')).stroke"


@dataclass
class Shown:
    """A page, its address, and what the browser complained about."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)

    def wait(self, expression: str) -> None:
        # The page's policy forbids the evaluation that the driver's own waiting needs.
        wait_until(lambda: bool(self.page.evaluate(expression)), seconds=20, what=expression)


def history() -> None:
    past = History()
    begun = datetime.now(UTC) - timedelta(days=3)
    for hour in range(60):
        at = begun + timedelta(hours=hour)
        past.read(past.automated(at), at + 10 * MINUTE, correct=hour % 9 > 0)
        task = past.waiting(at, due=timedelta(hours=1), blind=hour % 5 == 0)
        past.decide(task, at + hour * MINUTE, seconds=20 + hour, waited=MINUTE, override=hour % 4 == 0)
    rollup.roll_up()


@pytest.fixture
def shown(live_server: Any, chromium: Any) -> Iterator[Shown]:
    """A signed-in page that collects what the browser complains about."""
    history()
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="x"))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    made = chromium.new_page()
    made.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    found = Shown(made, f"{live_server.url}/reports/?period=7d")
    made.on(
        "console",
        lambda said: found.complaints.append(f"{said.text} {said.location}") if said.type == "error" else None,
    )
    made.on("pageerror", lambda error: found.complaints.append(str(error)))
    yield found
    made.context.close()


def open_all(shown: Shown, *, width: int = 1366) -> None:
    """Open the page and scroll until every chart is drawn."""
    shown.page.set_viewport_size({"width": width, "height": 900})
    shown.page.goto(shown.address)
    for place in shown.page.query_selector_all(".reports-plot"):
        place.scroll_into_view_if_needed()
    shown.wait(DRAWN)


def test_every_chart_is_drawn_and_the_browser_has_nothing_to_complain_about(shown: Shown) -> None:
    open_all(shown)
    assert shown.page.locator(".reports-plot .main-svg").count() >= FIGURES
    assert shown.complaints == []


def test_charts_follow_the_theme_when_it_is_switched(shown: Shown) -> None:
    open_all(shown)
    light = shown.page.evaluate(COLOUR)
    shown.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    shown.wait(f"{COLOUR} !== '{light}'")
    shown.page.evaluate("document.documentElement.dataset.theme = 'auto'")
    shown.wait(f"{COLOUR} === '{light}'")
    shown.page.emulate_media(color_scheme="dark")
    shown.wait(f"{COLOUR} !== '{light}'")
    assert shown.complaints == []


def test_a_phone_shows_everything_without_scrolling_sideways(shown: Shown) -> None:
    open_all(shown, width=390)
    assert shown.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_assistive_technology(shown: Shown, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    shown.page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    open_all(shown)
    found = Axe().run(shown.page, context=".reports").response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in {"serious", "critical"}] == []
