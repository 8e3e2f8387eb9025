"""A live server, a Chromium and people to sign in as. Skipped, with a message, only where there is no Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests import factories as make

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright runs a loop in our thread


@dataclass
class Desk:
    """A browser's page with everything that went wrong on it."""

    page: Any
    address: str
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on("request", self._left)

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"{self.page.url}: {message.text}")

    def _left(self, asked: Any) -> None:
        if not asked.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"left: {asked.url}")

    def sign_in(self, user: User) -> None:
        self.page.goto("/admin/login/")
        self.page.fill("#id_username", user.username)
        self.page.fill("#id_password", "password")
        self.page.click("input[type=submit]")
        self.page.wait_for_url("**/admin/")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all."""
    try:
        from playwright.sync_api import sync_playwright

        from tests.browser.chromium import found, launch
    except ImportError:
        pytest.skip("playwright is not installed: pip install -r requirements-browser.txt")
    if found() is None:
        pytest.skip("no Chromium found: install one, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_desk(chromium: Any, live_server: Any) -> Iterator[Any]:
    """Opens pages in browsers of their own; at the end none may have met an error or left this machine."""
    desks: list[Desk] = []

    def opened(**options: Any) -> Desk:
        viewport = options.pop("viewport", {"width": 1440, "height": 900})
        context = chromium.new_context(base_url=live_server.url, viewport=viewport, **options)
        desk = Desk(page=context.new_page(), address=live_server.url)
        desk.watch()
        desks.append(desk)
        return desk

    yield opened
    for desk in desks:
        desk.page.context.close()
    assert [fault for desk in desks for fault in desk.faults] == []


@pytest.fixture
def reviewer(db: None) -> User:
    return make.make_user("reviewer", is_staff=True)
