"""Versions of models side by side: what they answered, what became of it, how good it was and what it cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from metrics import estimates, loading
from metrics.charts.base import PATTERNS, TONES, Cell, Chart, Look, Table, counted, layout, stamp, told, trace
from metrics.estimates import Estimate
from metrics.filters import version_name
from metrics.histograms import Histogram
from metrics.intervals import Stratum
from metrics.measures import Unit
from metrics.models import CertaintyRollup, MachineRollup, VersionRollup
from metrics.wording import interval, money

Key = tuple[str, str]  # model and version
FIGURES = ("routed", "escalated", "automated", "shown", "overrides")
MOST_DRAWN = 8


@dataclass(slots=True)
class Version:
    """One version over a time."""

    counts: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    latency: Histogram = field(default_factory=Histogram)
    strata: defaultdict[float, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    answers: dict[datetime, int] = field(default_factory=dict)

    def error(self) -> Estimate:
        strata = [Stratum(p, c["decided"], c["read"], c["wrong"]) for p, c in sorted(self.strata.items())]
        return estimates.sampled(strata)


def load(look: Look) -> dict[Key, Version]:
    """Every version that answered or was used in the time, by name."""
    found: defaultdict[Key, Version] = defaultdict(Version)
    _load_answers(look, found)
    used: Any = loading.narrowed(VersionRollup, look.period).values("model", "model_version").order_by()
    for row in used.annotate(**{name: Sum(name) for name in FIGURES}):
        found[row["model"], row["model_version"]].counts.update({name: row[name] for name in FIGURES})
    judged: Any = loading.narrowed(CertaintyRollup, look.period)
    sums = judged.values_list("model", "model_version", "probability").order_by()
    for model, number, chance, decided, read, wrong in sums.annotate(d=Sum("decided"), r=Sum("read"), w=Sum("wrong")):
        found[model, number].strata[chance].update(decided=decided, read=read, wrong=wrong)
    return dict(sorted(found.items()))


def _load_answers(look: Look, found: defaultdict[Key, Version]) -> None:
    rows: Any = loading.narrowed(MachineRollup, look.period)
    latencies: defaultdict[Key, list[bytes]] = defaultdict(list)
    for start, model, number, answers, errors, cost, latency in rows.values_list(
        "start", "model", "model_version", "answers", "errors", "cost", "latency"
    ):
        version = found[model, number]
        version.counts.update(answers=answers, errors=errors)
        version.cost += float(cost)
        version.answers[start] = version.answers.get(start, 0) + answers
        latencies[model, number].append(latency)
    for key, parts in latencies.items():
        found[key].latency = Histogram.added(parts)


def side_by_side(look: Look, versions: dict[Key, Version]) -> Table:
    columns = [
        *(
            _("version"),
            _("answers"),
            _("failures"),
            _("routed"),
            _("to a person"),
            _("overridden"),
            _("interval, 95 %"),
        ),
        *(_("error, sampled"), _("interval, 95 %"), _("read"), _("time, median"), _("cost of 1,000 answers")),
    ]
    rows = [_row(look, key, version) for key, version in versions.items()]
    return Table("versions", _("Versions side by side"), columns, rows)


def _row(look: Look, key: Key, version: Version) -> list[str]:
    counts, error = version.counts, version.error()
    escalated = estimates.share(counts["escalated"], counts["routed"])
    changed = estimates.share(counts["overrides"], counts["shown"])
    thousand = 1000 * version.cost / counts["answers"] if counts["answers"] else None
    return [
        Cell(version_name(*key)),
        counted(counts["answers"]),
        counted(counts["errors"]),
        counted(counts["routed"]),
        told(escalated.value, Unit.SHARE),
        told(changed.value, Unit.SHARE),
        interval(changed.interval, Unit.SHARE),
        told(error.value, Unit.SHARE),
        interval(error.interval, Unit.SHARE),
        counted(error.observations),
        told(version.latency.quantile(0.5), Unit.SECONDS),
        Cell(money(thousand), "" if thousand is None else thousand),
    ]


def answers(look: Look, versions: dict[Key, Version]) -> Chart:
    """Answers over time, a colour and a pattern per version."""
    drawn = sorted(versions, key=lambda key: -versions[key].counts["answers"])[:MOST_DRAWN]
    starts = sorted({start for version in versions.values() for start in version.answers})
    data = []
    for at, key in enumerate(drawn):
        values = [versions[key].answers.get(start, 0) for start in starts]
        made = trace(version_name(*key), [stamp(s) for s in starts], values, tone=TONES[at % len(TONES)], type="bar")
        data.append(made | {"marker": {"pattern": {"shape": PATTERNS[at // len(TONES) % len(PATTERNS)]}}})
    rows: list[list[str]] = [
        [Cell(f"{start:%Y-%m-%d %H:%M}"), *(counted(versions[key].answers.get(start, 0)) for key in drawn)]
        for start in starts
    ]
    columns = [_("Time (UTC)"), *(version_name(*key) for key in drawn)]
    words = _("Answers by version. Marks on the axis are changes of policies, models and prompts.")
    if len(versions) > len(drawn):
        words += " " + _("Drawn are the %(n)d busiest of %(all)d.") % {"n": len(drawn), "all": len(versions)}
    figure = {"data": data, "layout": layout(Unit.TASKS, barmode="stack", bargap=0.15)}
    return Chart("answers", _("Who answered"), words, figure, columns, rows)


def rates(look: Look, versions: dict[Key, Version]) -> Chart:
    """Overridden and wrong shares with their intervals, by version."""
    names = [version_name(*key) for key in versions]
    overridden = [estimates.share(v.counts["overrides"], v.counts["shown"]) for v in versions.values()]
    wrong = [version.error() for version in versions.values()]
    data = [
        _dots(_("overridden, shown outputs"), names, overridden, "person"),
        _dots(_("wrong, sampled cases"), names, wrong, "machine"),
    ]
    made = layout(Unit.SHARE, time=False, scattermode="group")
    made["xaxis"] |= {"type": "category"}
    columns = [_("version"), _("overridden"), _("interval, 95 %"), "n", _("wrong"), _("interval, 95 %"), "n"]
    rows = [
        [Cell(name), *_cells(one), *_cells(other)] for name, one, other in zip(names, overridden, wrong, strict=True)
    ]
    words = _(
        "Shares with their 95 % intervals. Where two intervals hardly overlap, the versions differ beyond chance."
    )
    figure = {"data": data, "layout": made}
    return Chart("rates", _("How good each version is"), words, figure, columns, rows, over_time=False)


def _cells(estimate: Estimate) -> list[str]:
    bounds = interval(estimate.interval, Unit.SHARE)
    return [told(estimate.value, Unit.SHARE), bounds, counted(estimate.observations)]


def _dots(name: str, names: Sequence[str], found: Sequence[Estimate], tone: str) -> dict[str, Any]:
    known = [(x, e.value, e.interval) for x, e in zip(names, found, strict=True) if e.value is not None and e.interval]
    made = trace(name, [x for x, _v, _i in known], [value for _x, value, _i in known], tone=tone, mode="markers")
    made["marker"] = {"size": 9}
    made["error_y"] = {
        "type": "data",
        "symmetric": False,
        "array": [bounds.high - value for _x, value, bounds in known],
        "arrayminus": [value - bounds.low for _x, value, bounds in known],
    }
    return made
