"""Single sign-on and the second step, as somebody meets them who signs in: set up, used, and looked over in every look."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User

from hitl_project import environment
from tests import factories as make
from tests.browser.test_looks import LOOKS, looked_over
from tests.http_server import Received, answering, receiver

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def provider(settings: Any, redis: None) -> Iterator[Any]:
    """Somebody's single sign-on, as far as its first page, and this product set up for it."""

    def behave(handler: BaseHTTPRequestHandler, received: Received) -> None:
        told = {"issuer": server.url, "authorization_endpoint": f"{server.url}/authorize", "token_endpoint": server.url}
        body = json.dumps(told).encode() if "openid-configuration" in received.path else b"{}"
        answering(200, body, content_type="application/json")(handler, received)

    with receiver(behave) as server:
        app = {"client_id": "countersign", "client_secret": "secret", "name": "Harbour sign-on"}
        settings.SOCIALACCOUNT_PROVIDERS = environment.sign_in_providers(server_url=server.url, **app)
        settings.OIDC_ENABLED = True
        settings.ROOT_URLCONF = "tests.sign_in_urls"
        policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        action = [*policy["form-action"], *environment.origins(f"{server.url}/realm")]
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**policy, "form-action": action}}
        yield server


def code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def enter(desk: Any, user: User) -> None:
    """From any page of the back office, by name and password."""
    desk.page.goto("/admin/")
    desk.page.wait_for_selector("input[name=login]")
    desk.page.fill("input[name=login]", user.username)
    desk.page.fill("input[name=password]", "password")
    desk.page.click("form:has(input[name=login]) button[type=submit]")


@pytest.mark.parametrize("look", LOOKS)
def test_the_second_step_is_set_up_and_asked_for_from_then_on(open_desk: Any, provider: Any, look: str) -> None:
    user = make.make_user("reviewer", is_staff=True)
    desk, found = open_desk(**LOOKS[look]), dict[str, Any]()

    def seen(name: str) -> None:
        found[name] = looked_over(desk)

    desk.page.goto("/admin/desk/")
    desk.page.wait_for_url("**/accounts/login/?next=**")
    seen("sign in")
    enter(desk, user)
    desk.page.wait_for_url("**/admin/")
    spare = set_up(desk.page, seen)
    desk.page.context.clear_cookies()
    enter(desk, user)
    desk.page.wait_for_url("**/accounts/2fa/authenticate/**")
    seen("second step")
    desk.page.fill("input[name=code]", "000000")
    desk.page.click("button[type=submit] >> nth=0")
    desk.page.wait_for_selector(".errorlist")
    seen("wrong code")
    desk.page.fill("input[name=code]", spare)
    desk.page.click("button[type=submit] >> nth=0")
    desk.page.wait_for_url("**/admin/")
    assert {name: faults for name, faults in found.items() if faults} == {}


def set_up(page: Any, seen: Callable[[str], None]) -> str:
    """The second step, from the page that offers it to a recovery code."""
    page.goto("/accounts/2fa/")
    seen("two steps")
    page.click("a:has-text('Activate')")
    page.wait_for_url("**/accounts/reauthenticate/**")
    seen("who it is")
    page.fill("input[name=password]", "password")
    page.click("button[type=submit] >> nth=0")
    page.wait_for_selector("img[src^='data:image/svg']")
    seen("set up")
    page.fill("input[name=code]", code(page.input_value("#authenticator_secret")))
    page.click("button:has-text('Activate')")
    page.wait_for_url("**/accounts/2fa/recovery-codes/")
    seen("recovery codes")
    spare = str(page.input_value("textarea").split()[0])
    for path in ("recovery-codes/generate/", "totp/deactivate/", ""):
        page.goto(f"/accounts/2fa/{path}")
        seen(path or "set up already")
    return spare


@pytest.mark.parametrize("look", LOOKS)
def test_single_sign_on_begins_on_the_page_of_the_provider(open_desk: Any, provider: Any, look: str) -> None:
    desk, found = open_desk(**LOOKS[look]), dict[str, Any]()
    desk.page.goto("/admin/")
    assert desk.page.locator("text=sign up").count() == 0, "accounts are made by administrators"
    desk.page.click("text=Sign in with Harbour sign-on")
    desk.page.wait_for_url("**/accounts/oidc/oidc/login/**")
    found["begin"] = looked_over(desk)
    assert desk.faults == []
    desk.page.click("button[type=submit]")
    desk.page.wait_for_url(f"{provider.url}/authorize**")
    desk.faults.clear()  # it leads away, which no other page does
    for path in ("/accounts/oidc/oidc/login/callback/", "/accounts/login/?next=/admin/", "/accounts/password/reset/"):
        desk.page.goto(f"{desk.address}{path}")
        found[path] = looked_over(desk)
    desk.faults.clear()
    assert {name: faults for name, faults in found.items() if faults} == {}
