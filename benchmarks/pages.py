"""The pages people wait for, and the lists integrations read, over HTTP one after the other."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping

from benchmarks.figures import Figure, spread, timed
from benchmarks.web import Caller, signed_in, with_token
from cases.models import Case
from cases.models.choices import State
from review.claims import claim_next
from review.models import ReviewTask

REPEATS, AIM = 40, 150.0
FIELD = re.compile(r'name="([a-z_]+)"\s+value="([^"]*)"')
CHOSEN = re.compile(r'name="output.label"\s+value="([^"]*)"\s+checked|<option value="([^"]*)"[^>]* selected')
SCREEN, QUEUE, NEXT = 80.0, 120.0, 100.0


def figures(size: int, port: int, tokens: Mapping[str, str]) -> Iterator[Figure]:
    """p50 and p95 of forty readings each, after three that warm up."""
    boss, api = signed_in(port, "boss"), with_token(port, tokens["boss"])
    middle = Case.objects.filter(state=State.CLOSED, pk__gte=size // 2).order_by("pk").values_list("pk", flat=True)[0]
    yield from _page("home", size, boss, "/admin/")
    yield from _page("case screen", size, signed_in(port, "reader-2"), _desk(), aim=SCREEN)
    yield from _page("queues", size, boss, "/admin/desk/queues/", aim=QUEUE)
    yield from _page("one queue", size, boss, "/admin/desk/queues/front-desk/", aim=QUEUE)
    yield from _page("open tasks", size, boss, "/admin/desk/tasks/", aim=QUEUE)
    yield from _page("open tasks of one label", size, boss, "/admin/desk/tasks/?label=billing", aim=QUEUE)
    yield from _page("open tasks of a label that none has", size, boss, "/admin/desk/tasks/?label=none", aim=QUEUE)
    yield from _deciding(size, signed_in(port, "reader-3"))
    yield from _page("case list of the admin", size, boss, "/admin/cases/case/")
    yield from _page("case list, one state", size, boss, "/admin/cases/case/?state__exact=closed")
    yield from _page("case page of the admin", size, boss, f"/admin/cases/case/{middle}/change/")
    yield from _page("task list of the admin", size, boss, "/admin/review/reviewtask/")
    yield from _page("decision list of the admin", size, boss, "/admin/review/decision/")
    yield from _page("audit log of the admin", size, signed_in(port, "root"), "/admin/cases/auditevent/")
    yield from _page("reports", size, boss, "/reports/")
    yield from _page("API: cases", size, api, "/api/v1/cases/?page_size=100")
    yield from _page("API: cases of one requester", size, api, "/api/v1/cases/?requester=customer-77")
    yield from _page("API: one case", size, api, f"/api/v1/cases/{middle}/")
    yield from _page("API: tasks", size, with_token(port, tokens["reader-2"]), "/api/v1/tasks/")
    yield from _page("API: queues", size, api, "/api/v1/queues/")


def _page(name: str, size: int, caller: Caller, path: str, *, aim: float = AIM) -> list[Figure]:
    for _ in range(3):
        caller.get(path)
    return spread(name, size, [timed(lambda: caller.get(path)) for _ in range(REPEATS)], aim=aim)


def _deciding(size: int, caller: Caller) -> list[Figure]:
    """From pressing Approve to the whole of the next case's screen, as the browser asks for it."""
    times = []
    page, address = caller.submit("/admin/desk/", {})
    for _ in range(REPEATS + 3):
        started = time.perf_counter()
        page, address = caller.submit(address, {"verb": "approve", "active_seconds": "6", **fields_of(page)})
        times.append((time.perf_counter() - started) * 1000)
    return spread("decide + next", size, times[3:], aim=NEXT)


def fields_of(page: str) -> dict[str, str]:
    """What the decision form of a page sends when nothing in it is changed."""
    hidden = {name: value for name, value in FIELD.findall(page) if name in ("lease_token", "digest")}
    label = CHOSEN.search(page)
    return {**hidden, "output.label": label.group(1) if label else ""}


def _desk() -> str:
    """The page of a task that the reader holds."""
    from django.contrib.auth.models import User

    reader = User.objects.get(username="reader-2")
    ReviewTask.objects.claimed().filter(assignee=reader).update(assignee=None, lease_until="2000-01-01T00:00Z")
    task = claim_next(reader, origin="bench")
    if task is None:
        raise SystemExit("The world ran out of tasks.")
    return f"/admin/desk/{task.pk}/"
