"""Counters of all that has ever happened, from the day rows of the rollups. What they count is never taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Sum
from prometheus_client.core import Metric

from hitl_project.prometheus.families import counter
from metrics.models import FlowRollup, MachineRollup, PersonRollup, Rollup, Span, VersionRollup
from metrics.totals import AUTOMATED

KIND = "case_type__key"


def figures() -> Iterator[Metric]:
    yield from _flow()
    yield from _decisions()
    yield from _machine()


def _flow() -> Iterator[Metric]:
    rows = list(_sums(FlowRollup, KIND, "mode", "reason", of=("received", "routed")))
    received = [((row[KIND],), row["received"]) for row in rows if row["received"]]
    routed = [((row[KIND], row["mode"], row["reason"]), row["routed"]) for row in rows if row["routed"]]
    people = [(key[:2], count) for key, count in routed if key[2] not in AUTOMATED]
    yield counter("cases_received", "Cases that came in.", ["case_type"], _added(received))
    labels = ["case_type", "mode", "reason"]
    yield counter("cases_routed", "Cases routed; without a reason policy decided.", labels, _added(routed))
    text = "Cases routed to a person for any reason but the sample."
    yield counter("cases_escalated", text, ["case_type", "mode"], _added(people))


def _decisions() -> Iterator[Metric]:
    by_policy = _sums(VersionRollup, KIND, of=("automated", "shown", "overrides"))
    rows = list(by_policy)
    decided = [((row[KIND], "policy"), row["automated"]) for row in rows]
    decided += [((row[KIND], "person"), row["decided"]) for row in _sums(PersonRollup, KIND, of=("decided",))]
    yield counter("decisions", "Decisions by policy and by people.", ["case_type", "by"], _added(decided))
    shown = [((row[KIND],), row["shown"]) for row in rows]
    yield counter("decisions_on_shown_output", "Decisions of people on a shown output.", ["case_type"], _added(shown))
    changed = [((row[KIND],), row["overrides"]) for row in rows]
    yield counter("overrides", "Of these, those that changed the output.", ["case_type"], _added(changed))


def _machine() -> Iterator[Metric]:
    names = ("answers", "errors", "cost", "tokens_in", "tokens_out")
    rows = list(_sums(MachineRollup, KIND, "model", of=names))
    answers = [
        ((row[KIND], row["model"], outcome), row[name])
        for row in rows
        for outcome, name in (("answered", "answers"), ("failed", "errors"))
    ]
    yield counter(
        "model_answers", "Answers and failures of models.", ["case_type", "model", "outcome"], _added(answers)
    )
    cost = [((row[KIND], row["model"]), row["cost"]) for row in rows if row["cost"]]
    yield counter("model_cost_usd", "What the models cost, in US dollars.", ["case_type", "model"], _added(cost))
    tokens = [
        ((row[KIND], row["model"], way), row[name])
        for row in rows
        for way, name in (("read", "tokens_in"), ("written", "tokens_out"))
        if row[name]
    ]
    yield counter("model_tokens", "Tokens of language models.", ["case_type", "model", "direction"], _added(tokens))


def _sums(model: type[Rollup], *by: str, of: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    days = model.objects.filter(span=Span.DAY).order_by()
    found: Iterable[dict[str, Any]] = days.values(*by).annotate(**{f"sum_{name}": Sum(name) for name in of})
    return [{**row, **{name: row[f"sum_{name}"] for name in of}} for row in found]


def _added(rows: Iterable[tuple[tuple[str, ...], Any]]) -> list[tuple[tuple[str, ...], float]]:
    found: dict[tuple[str, ...], float] = {}
    for key, value in rows:
        found[key] = found.get(key, 0.0) + float(value)
    return sorted(found.items())
