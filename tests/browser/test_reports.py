"""The reports in a real browser: drawn under the strict policy, in both themes and widths; filters, cases, files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from metrics import rollup
from metrics.pages import KINDS
from tests.browser.sound import violations
from tests.metrics_history import MINUTE, History
from tests.servers import wait_until

# Seven pages with their charts, one after the other.
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
DRAWN = (
    "document.querySelectorAll('.reports-plot .main-svg').length >= "
    "document.querySelectorAll('.reports-chart:not(.reports-without) .reports-plot').length"
)
COLOUR = "getComputedStyle(document.querySelector('[data-name=backlog] .js-line')).stroke"
WIDE = "document.documentElement.scrollWidth <= window.innerWidth"


@dataclass
class Shown:
    """A page, its address, and what the browser complained about."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)

    def wait(self, expression: str) -> None:
        # The page's policy forbids the evaluation that the driver's own waiting needs.
        wait_until(lambda: bool(self.page.evaluate(expression)), seconds=60, what=expression)

    def open(self, key: str = "overview", query: str = "?period=7d", *, width: int = 1366) -> None:
        """Open a page and scroll until every chart is drawn."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(f"{self.address}/reports/{'' if key == 'overview' else f'{key}/'}{query}")
        for place in self.page.query_selector_all(".reports-plot"):
            place.scroll_into_view_if_needed()
        self.wait(DRAWN)


def history() -> None:
    past = History()
    begun = datetime.now(UTC) - timedelta(days=3)
    for hour in range(36):
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
    found = Shown(made, live_server.url)
    made.on(
        "console",
        lambda said: found.complaints.append(f"{said.text} {said.location}") if said.type == "error" else None,
    )
    made.on("pageerror", lambda error: found.complaints.append(str(error)))
    yield found
    made.context.close()


def test_every_chart_of_every_page_is_drawn_and_the_browser_has_nothing_to_complain_about(shown: Shown) -> None:
    for key in KINDS:
        shown.open(key)
        assert shown.page.evaluate(WIDE), key
    assert shown.complaints == []


def test_charts_follow_the_theme_when_it_is_switched(shown: Shown) -> None:
    shown.open()
    light = shown.page.evaluate(COLOUR)
    shown.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    shown.wait(f"{COLOUR} !== '{light}'")
    shown.page.evaluate("document.documentElement.dataset.theme = 'auto'")
    shown.wait(f"{COLOUR} === '{light}'")
    shown.page.emulate_media(color_scheme="dark")
    shown.wait(f"{COLOUR} !== '{light}'")
    assert shown.complaints == []


def test_a_phone_shows_every_page_without_scrolling_sideways(shown: Shown) -> None:
    for key in KINDS:
        shown.open(key, width=390)
        assert shown.page.evaluate(WIDE), key


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_assistive_technology(shown: Shown, theme: str) -> None:
    shown.page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    found = {}
    for key in KINDS if theme == "light" else ("overview", "quality", "people"):
        shown.open(key, "?period=7d&compare=before")
        found[key] = violations(shown.page, context=".reports")
    assert {key: faults for key, faults in found.items() if faults} == {}


def test_filters_work_as_a_form_and_stay_in_the_address(shown: Shown) -> None:
    shown.open("throughput")
    shown.page.select_option("#reports-case-type", "support-email")
    shown.page.select_option("#reports-queue", "desk")
    shown.page.click(".reports-filters .button")
    shown.page.wait_for_load_state()
    assert "case_type=support-email" in shown.page.url
    assert "queue=desk" in shown.page.url
    assert "Front desk" in shown.page.inner_text(".reports-about")
    assert shown.page.locator(".reports-plot").count() == 1  # only the backlog is kept apart by queue
    shown.page.select_option("#reports-compare", "custom")
    assert shown.page.is_visible("#reports-compare-from")


def test_a_click_on_a_bar_leads_to_exactly_its_cases(shown: Shown) -> None:
    shown.open("overview")
    counts = shown.page.evaluate("document.querySelector('[data-name=throughput]').data[0].y")
    place = next(at for at, count in enumerate(counts) if 0 < count <= 50)
    promised, bar = counts[place], shown.page.locator("[data-name=throughput] .bars .point").nth(place)
    box = bar.bounding_box()
    shown.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.page.wait_for_url("**/reports/cases/**")
    count = re.search(r"(\d+) in all", shown.page.inner_text(".reports-count"))
    assert count
    assert int(count[1]) == promised == shown.page.locator(".reports-case").count()


def saved(shown: Shown, click: str) -> Path:
    with shown.page.expect_download() as waiting:
        shown.page.click(click)
    return Path(waiting.value.path())


def test_the_files_open(shown: Shown) -> None:
    shown.open("quality")
    book = openpyxl.load_workbook(io.BytesIO(saved(shown, ".reports-saving a[href*='.xlsx']").read_bytes()))
    assert "Override rate" in book.sheetnames
    paper = pypdfium2.PdfDocument(saved(shown, ".reports-saving a[href*='.pdf']").read_bytes())
    assert "Quality" in paper[0].get_textpage().get_text_range()
    picture = saved(shown, ".reports-png[data-chart=overrides]").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5000
    assert shown.complaints == []


def test_the_saved_page_draws_its_charts_from_a_disk_without_asking_anybody(
    shown: Shown, chromium: Any, tmp_path: Path
) -> None:
    shown.open("overview")
    place = tmp_path / "report.html"
    place.write_bytes(saved(shown, ".reports-saving a[href*='.html']").read_bytes())
    context = chromium.new_context(offline=True)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(place.as_uri())
    for chart in page.query_selector_all(".reports-plot"):
        chart.scroll_into_view_if_needed()
    wait_until(lambda: bool(page.evaluate(DRAWN)), seconds=30, what="the charts")
    context.close()
    assert [url for url in asked if url != place.as_uri()] == []
    assert said == []
