"""A change of policy tried on the cases of last week: where each would have gone, then and now. Nothing is written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import OuterRef, Subquery

from cases.clock import from_now
from cases.models import Case, CaseType, Prediction
from review import coin
from review.models import Policy, Queue
from review.route import finding_of, view_of
from review.routing import PolicyView, QueueView, Route, RuleView, choose_route

DAYS = 7
MOST_CASES = 5_000
MOST_SECONDS = 0.8
CHUNK = 250
MOST_CHANGED = 20
HEAVY = ("payload", "context", "metadata")
AUTOMATIC = ""  # stands for "by policy" where a queue or a reason would stand

Content = Mapping[str, Any]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Changed:
    """A case that would go another way. Queues are keys, empty where the policy decides."""

    case_id: int
    queue_before: str
    queue_after: str
    reason_before: str
    reason_after: str


@dataclass(slots=True)
class DryRun:
    """How many cases went where by the policy in force, and would go by the other.

    ``whole`` tells whether every case of the days was read; else these are the newest, as many as there was time for.
    """

    cases: int = 0
    whole: bool = True
    queues: dict[str, Pair] = field(default_factory=dict)
    reasons: dict[str, Pair] = field(default_factory=dict)
    different: int = 0
    examples: list[Changed] = field(default_factory=list)

    @property
    def automatic(self) -> Pair:
        return self.queues.get(AUTOMATIC, (0, 0))

    @property
    def people(self) -> Pair:
        before, after = self.automatic
        return self.cases - before, self.cases - after


def replay(case_type: CaseType, old: Policy, new: Content, *, clock: Callable[[], float] = time.monotonic) -> DryRun:
    """Route the cases of the last `DAYS` days by both, the newest first, until all are read or the time is up.

    ``new`` is the content of a policy that `policy_rules.guard` accepts. At most `MOST_CASES` cases and `MOST_SECONDS`.
    A case is judged by what its newest prediction says now.
    """
    before = view_of(old)
    after = changed_view(before, new)
    rows, end = _cases(case_type, heavy=_asks_for_more(before) or _asks_for_more(after)), clock() + MOST_SECONDS
    routes: list[tuple[int, Route, Route]] = []
    for start in range(0, MOST_CASES, CHUNK):
        chunk = list(rows[start : start + CHUNK])
        routes += _routes(chunk, before, after)
        if len(chunk) < CHUNK:
            return _told(routes, whole=True)
        if clock() > end:
            break
    return _told(routes, whole=False)


def changed_view(view: PolicyView, content: Content) -> PolicyView:
    """What the choice depends on, once a policy says this content."""
    queues = {queue.key: QueueView(id=queue.pk, key=queue.key, kind=queue.kind) for queue in Queue.objects.all()}
    rules = [RuleView(**{**rule, "queue": queues[rule["queue"]]}) for rule in content["routing"]]
    said = {name: content[name] for name in ("mode", "threshold", "thresholds", "second_approval", "sample_rate")}
    return replace(view, rules=rules, fallback=rules[-1].queue if rules else view.fallback, **said)


def _cases(case_type: CaseType, *, heavy: bool) -> Any:
    since = from_now(days=-DAYS)
    newest = Prediction.objects.filter(case=OuterRef("pk")).order_by("-id").values("pk")[:1]
    rows = Case.objects.filter(case_type=case_type, routed_at__gte=since).order_by("-routed_at", "-id")
    rows = rows if heavy else rows.defer(*HEAVY)
    return rows.annotate(newest=Subquery(newest))


def _asks_for_more(view: PolicyView) -> bool:
    """Whether any condition reads the wide columns of a case."""
    rows = [*view.second_approval, *(row for rule in view.rules for row in rule.when)]
    return any(str(row.get("field", "")).split(".")[0] in HEAVY for row in rows)


def _routes(chunk: Sequence[Any], before: PolicyView, after: PolicyView) -> list[tuple[int, Route, Route]]:
    unread = ("evidence", "alternatives", "rationale", "tokens")
    said = Prediction.objects.defer(*unread).in_bulk([case.newest for case in chunk if case.newest])
    routes = []
    for case in chunk:
        for unasked in case.get_deferred_fields():  # or the facts would fetch them one by one
            setattr(case, unasked, None)
        finding = finding_of(case, said.get(case.newest) or Prediction(case=case, error="there is no prediction"))
        draw = coin.draw(case.pk)
        routes.append((case.pk, choose_route(before, finding, draw), choose_route(after, finding, draw)))
    return routes


def _told(routes: Iterable[tuple[int, Route, Route]], *, whole: bool) -> DryRun:
    pairs = [(case_id, (_way(old), _way(new))) for case_id, old, new in routes]
    changed = [(case_id, ways) for case_id, ways in pairs if ways[0] != ways[1]]
    return DryRun(
        cases=len(pairs),
        whole=whole,
        queues=_counted([(old[0], new[0]) for _id, (old, new) in pairs]),
        reasons=_counted([(old[1], new[1]) for _id, (old, new) in pairs]),
        different=len(changed),
        examples=[Changed(case_id, old[0], new[0], old[1], new[1]) for case_id, (old, new) in changed[:MOST_CHANGED]],
    )


def _way(route: Route) -> tuple[str, str]:
    return (route.queue.key, route.reason) if route.queue else (AUTOMATIC, AUTOMATIC)


def _counted(pairs: Sequence[tuple[str, str]]) -> dict[str, Pair]:
    old, new = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    return {name: (old[name], new[name]) for name in sorted({*old, *new})}
