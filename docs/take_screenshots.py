"""Take the pictures of `docs/screenshots`: log in as people of the demo on a running stack and photograph the main pages.

    python docs/take_screenshots.py http://127.0.0.1:8000 docs/screenshots

It needs requirements-browser.txt and a Chromium. It fails when a page breaks the content policy or asks another host.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, Page, sync_playwright

from hitl_project.demo.people import PEOPLE
from tests.browser.chromium import launch

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOOKS = {"light": WIDE, "dark": WIDE, "phone": NARROW}
PASSWORDS = {person.username: person.password for person in PEOPLE}
PAGES = {
    "rita": {
        "home": "/admin/",
        "tasks": "/admin/desk/tasks/",
        "desk": "",
        "desk-mail": "task:support-email",
        "desk-refund": "task:refund-request",
        "desk-receipt": "task:receipt",
        "desk-reply": "task:reply",
        "together": "/admin/desk/together/",
        "summary": "/admin/desk/summary/",
        "preferences": "/admin/preferences/",
        "palette": "palette",
        "cases": "/admin/cases/case/",
    },
    "edith": {"expert-home": "/admin/", "desk-document": "task:document-tag"},
    "sanjay": {
        "supervisor-home": "/admin/",
        "queues": "/admin/desk/queues/",
        "dry-run": "propose",
        "case": "case",
        "policy": "policy",
        "deliveries": "/admin/cases/effect/",
        "reports": "/reports/",
    },
    "ada": {"administrator-home": "/admin/", "case-types": "/admin/cases/casetype/", "reason": "case"},
    "milan": {"manager-home": "/admin/"},
    "agnes": {"auditor-home": "/admin/", "audit-log": "/admin/cases/auditevent/"},
}

SHOWN = frozenset(
    {
        "home",
        "tasks",
        "desk",
        "desk-receipt",
        "desk-reply",
        "queues",
        "together",
        "dry-run",
        "supervisor-home",
        "case",
        "reports",
    }
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--all", action="store_true", help="more pages than the documentation shows")
    parser.add_argument("--only", default="", help="one person")
    parser.add_argument("--look", default="", choices=["", *LOOKS])
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for look in [wanted.look] if wanted.look else LOOKS:
            shown = None if wanted.all else SHOWN
            photograph(browser, wanted.address, wanted.out, look, only=wanted.only, faults=faults, shown=shown)
        browser.close()
    print("\n".join(faults) or "no violation, no foreign request")
    return 1 if faults else 0


def photograph(
    browser: Browser,
    address: str,
    out: Path,
    look: str,
    *,
    only: str,
    faults: list[str],
    shown: frozenset[str] | None,
) -> None:
    for username, every in PAGES.items():
        pages = {name: path for name, path in every.items() if shown is None or name in shown}
        if (only and only != username) or not pages:
            continue
        context = browser.new_context(
            viewport={"width": LOOKS[look]["width"], "height": LOOKS[look]["height"]},
            color_scheme="dark" if look == "dark" else "light",
            base_url=address,
        )
        page = watched(context.new_page(), address, faults)
        page.goto("/admin/login/")
        if username == "rita":
            page.screenshot(path=out / f"login-{look}.png")
        sign_in(page, username)
        for name, path in pages.items():
            visit(page, path)
            settle(page)
            page.screenshot(path=out / f"{name}-{look}.png", full_page=True)
        context.close()


def watched(page: Page, address: str, faults: list[str]) -> Page:
    """Note everything that the console calls an error, and every request that leaves."""
    page.on("console", lambda said: faults.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda fault: faults.append(f"{page.url}: {fault}"))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((address, "data:", "blob:")) else faults.append(f"left: {asked.url}")
        ),
    )
    return page


def sign_in(page: Page, username: str) -> None:
    page.fill("#id_username", username)
    page.fill("#id_password", PASSWORDS[username])
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/")


def settle(page: Page) -> None:
    """Scroll to the end and back: charts are drawn when they come into sight."""
    for step in range(0, int(page.evaluate("document.documentElement.scrollHeight")), 600):
        page.evaluate("top => window.scrollTo(0, top)", step)
        page.wait_for_timeout(120)
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(250)


def visit(page: Page, path: str) -> None:
    """An address; or the first row of a list; or, for nothing, the next case of the desk."""
    if path.startswith("/"):
        page.goto(path)
    elif path == "case":
        page.goto("/admin/cases/case/?state__exact=closed")
        page.click("#result_list tbody th a >> nth=0")
    elif path == "palette":
        page.goto("/admin/")
        page.keyboard.press("Control+k")
    elif path.startswith("task:"):
        page.goto(f"/admin/desk/tasks/?stage=waiting&case_type={path.removeprefix('task:')}")
        page.click("main table a[href*='/admin/desk/'] >> nth=0")
        page.wait_for_selector(".cs-desk")
    elif path in ("policy", "propose"):
        page.goto("/admin/review/policy/?status__exact=active")
        page.click("#result_list tbody th a >> nth=0")
        if path == "propose":
            page.goto(page.url.replace("/change/", "/propose/"))
    else:
        page.goto("/admin/desk/")
        page.click("main button.cs-primary >> nth=0")
        page.wait_for_selector("#decision")


if __name__ == "__main__":
    sys.exit(main())
