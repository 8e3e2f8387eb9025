"""What is taken for what, whether the machine is as good as it says, and what a threshold would cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from metrics import estimates, loading
from metrics.charts.base import Cell, Chart, Look, cells, counted, layout, told, trace
from metrics.estimates import Estimate
from metrics.histograms import BINS
from metrics.intervals import Interval, Stratum
from metrics.measures import Unit
from metrics.models import CertaintyRollup, LabelRollup
from metrics.wording import figure, interval

MOST_LABELS = 20
Pairs = Counter[tuple[str, str]]


@dataclass(slots=True)
class Bin:
    """First decisions whose confidence fell in it, by their chance to be read."""

    strata: defaultdict[float, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def error(self) -> Estimate:
        return error_of([self])

    @property
    def decided(self) -> int:
        return sum(counts["decided"] for counts in self.strata.values())


def pairs_of(look: Look) -> dict[bool, Pairs]:
    """What was taken for what, of sampled cases (true) and of what was decided on a shown output."""
    found: dict[bool, Pairs] = {True: Counter(), False: Counter()}
    rows: Any = loading.narrowed(LabelRollup, look.period)
    for said, answered, sampled, n in (
        rows.values_list("said", "answered", "sampled").order_by().annotate(n=Sum("count"))
    ):
        if n:
            found[sampled][said, answered] += n
    return found


def confusion(look: Look, pairs: Pairs, *, sampled: bool) -> Chart | None:
    """The machine's label against the person's, the shade by row; None where nothing was answered."""
    if not pairs:
        return None
    labels = _most_confused(pairs)
    whole = {name: sum(pairs[name, other] for other in labels) for name in labels}
    key = "confusion_sampled" if sampled else "confusion"
    shade = [[pairs[said, told_] / whole[said] if whole[said] else 0 for told_ in labels] for said in labels]
    data = {
        "type": "heatmap",
        "x": [_name(name) for name in labels],
        "y": [_name(name) for name in labels],
        "z": shade,
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "text": [[str(pairs[said, answer] or "") for answer in labels] for said in labels],
        "customdata": [[_cell_behind(look, said, answer, sampled=sampled) for answer in labels] for said in labels],
        "hovertemplate": _("said %{y}, a person answered %{x}: %{text} (%{z:.0%} of the row)") + "<extra></extra>",
        "meta": {"tone": "machine"},
    }
    if len(labels) <= MOST_LABELS // 2:
        data["texttemplate"] = "%{text}"
    made = layout(None, time=False)
    made["xaxis"] = {"type": "category", "automargin": True, "dtick": 1, "title": {"text": _("a person answered")}}
    made["yaxis"] = {
        "type": "category",
        "automargin": True,
        "dtick": 1,
        "autorange": "reversed",
        "title": {"text": _("said")},
    }
    columns = [_("the machine said"), _("a person answered"), _("count"), _("share of what it said so")]
    title = _("Confusion matrix, sampled cases") if sampled else _("Confusion matrix, decided on a shown output")
    figure_ = {"data": [data], "layout": made}
    rows = list(_pair_rows(look, pairs, sampled=sampled))
    return Chart(key, title, _about(pairs, labels, sampled=sampled), figure_, columns, rows, over_time=False)


def _most_confused(pairs: Pairs) -> list[str]:
    """The labels in most errors, then the most frequent ones; as many as can be told apart in a picture."""
    errors: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for (said, answered), n in pairs.items():
        for name in {said, answered}:
            seen[name] += n
            errors[name] += n if said != answered else 0
    ranked = sorted(seen, key=lambda name: (-errors[name], -seen[name], name))
    return sorted(ranked[:MOST_LABELS])


def _about(pairs: Pairs, labels: Sequence[str], *, sampled: bool) -> str:
    which = (
        _("Cases drawn by chance, answered before the output was shown: every label by its share of all cases.")
        if sampled
        else _("Escalated cases, which are the hard ones: read it to see what is confused, not how often.")
    )
    every = len({name for pair in pairs for name in pair})
    if every > len(labels):
        which = f"{which} " + _("Drawn are the %(n)d labels with most errors, of %(all)d; the table holds all.") % {
            "n": len(labels),
            "all": every,
        }
    return which


def _pair_rows(look: Look, pairs: Pairs, *, sampled: bool) -> Iterable[list[str]]:
    """Errors first, the most frequent on top."""
    whole: Counter[str] = Counter()
    for (said, _answered), n in pairs.items():
        whole[said] += n
    for (said, answered), n in sorted(pairs.items(), key=lambda item: (item[0][0] == item[0][1], -item[1], item[0])):
        href = _cell_behind(look, said, answered, sampled=sampled)
        yield [Cell(_name(said)), Cell(_name(answered)), counted(n, href), told(n / whole[said], Unit.SHARE)]


def _cell_behind(look: Look, said: str, answered: str, *, sampled: bool) -> str:
    return look.behind("labels_sampled" if sampled else "labels", said=said, answered=answered)


def _name(label: str) -> str:
    return label or _("no label")


def bins_of(look: Look) -> dict[int, Bin]:
    """First decisions by the bin of their confidence."""
    rows: Any = loading.narrowed(CertaintyRollup, look.period)
    sums = rows.values_list("confidence_bin", "probability").order_by()
    found: defaultdict[int, Bin] = defaultdict(Bin)
    for number, chance, decided, read, wrong in sums.annotate(d=Sum("decided"), r=Sum("read"), w=Sum("wrong")):
        found[number].strata[chance].update(decided=decided, read=read, wrong=wrong)
    return dict(sorted(found.items()))


def error_of(bins: Iterable[Bin]) -> Estimate:
    """The share of wrong answers over some bins, each case by its chance to be read."""
    merged: defaultdict[float, Counter[str]] = defaultdict(Counter)
    for one in bins:
        for chance, counts in one.strata.items():
            merged[chance].update(counts)
    strata = [Stratum(p, counts["decided"], counts["read"], counts["wrong"]) for p, counts in sorted(merged.items())]
    return estimates.sampled(strata)


def reliability(look: Look, bins: dict[int, Bin]) -> Chart:
    """How often the machine was right against how sure it said it was."""
    found = {number: one.error() for number, one in bins.items()}
    known = {number: error for number, error in found.items() if error.value is not None}
    right = [1 - (error.value or 0) for error in known.values()]
    ends = [_right(error.interval) for error in known.values()]
    line = trace(_("right"), [_middle(n) for n in known], right, tone="machine", mode="lines+markers")
    line["error_y"] = {
        "type": "data",
        "symmetric": False,
        "array": [end.high - at for end, at in zip(ends, right, strict=True)],
        "arrayminus": [at - end.low for end, at in zip(ends, right, strict=True)],
    }
    line["customdata"] = [look.behind("certainty", bin=number) for number in known]
    line["text"] = [
        f"{figure(at, Unit.SHARE)} ({interval(end, Unit.SHARE)}), n = {error.observations}"
        for at, end, error in zip(right, ends, known.values(), strict=True)
    ]
    line["hovertemplate"] = "%{text}<extra></extra>"
    ideal = trace(_("as sure as it says"), [0, 1], [0, 1], tone="watch", mode="lines", line={"dash": "dash"})
    made = layout(Unit.SHARE, time=False)
    made["xaxis"] |= {"range": [0, 1], "tickformat": ".0%", "title": {"text": _("confidence")}}
    made["yaxis"] |= {"range": [0, 1.02], "title": {"text": _("right")}}
    columns = [_("confidence"), _("decided"), _("right"), _("interval, 95 %"), _("read"), _("found wrong")]
    rows = [_bin_row(look, number, one, found[number]) for number, one in bins.items()]
    words = _("Sampled cases by the machine's confidence. Below the diagonal it is surer than it should be.")
    figure_ = {"data": [line, ideal], "layout": made}
    return Chart("reliability", _("Reliability"), words, figure_, columns, rows, over_time=False)


def _bin_row(look: Look, number: int, one: Bin, error: Estimate) -> list[str]:
    right = None if error.value is None else 1 - error.value
    return [
        Cell(f"{number / BINS:.2f} – {(number + 1) / BINS:.2f}"),
        counted(one.decided),
        told(right, Unit.SHARE),
        interval(_right(error.interval), Unit.SHARE) if error.interval else "",
        counted(error.observations, look.behind("certainty", bin=number)),
        counted(int(error.numerator), look.behind("certainty", bin=number, wrong=1)),
    ]


def coverage(look: Look, bins: dict[int, Bin], *, threshold: float | None, promise: float | None) -> Chart:
    """The error among all cases at least so sure: what a threshold there would let through, and how much it would cover."""
    whole = sum(one.decided for one in bins.values())
    points = []
    for number in sorted(bins, reverse=True):
        above = [one for at, one in bins.items() if at >= number]
        points.append((number, sum(one.decided for one in above) / whole if whole else 0.0, error_of(above)))
    known = [(number, share, error) for number, share, error in points if error.value is not None and error.interval]
    shares = [share for _n, share, _e in known]
    quiet = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    low = trace(_("error"), shares, [e.interval.low for _n, _s, e in known if e.interval], tone="machine", **quiet)
    high = trace(_("error"), shares, [e.interval.high for _n, _s, e in known if e.interval], tone="machine", **quiet)
    line = trace(_("error"), shares, [e.value for _n, _s, e in known], tone="machine", mode="lines+markers")
    line["text"] = [
        _("from confidence %(at)s: %(error)s of %(share)s")
        % {"at": f"{n / BINS:.2f}", "error": figure(e.value, Unit.SHARE), "share": figure(share, Unit.SHARE)}
        for n, share, e in known
    ]
    line["hovertemplate"] = "%{text}<extra></extra>"
    data = [low, high | {"fill": "tonexty"}, line, *_levels(shares, promise), *_here(known, threshold)]
    made = layout(Unit.SHARE, time=False)
    made["xaxis"] |= {"range": [0, 1.02], "tickformat": ".0%", "title": {"text": _("cases decided without a person")}}
    made["yaxis"]["title"] = {"text": _("error among them")}
    columns = [_("from confidence"), _("cases covered"), _("error"), _("interval, 95 %"), "n"]
    rows = [[Cell(f"{n / BINS:.2f}"), told(share, Unit.SHARE), *cells(error, Unit.SHARE)] for n, share, error in points]
    words = _(
        "What would go wrong if every case at least so sure were decided without a person, and how many that are."
    )
    figure_ = {"data": data, "layout": made}
    return Chart("coverage", _("Risk and coverage"), words, figure_, columns, rows, over_time=False)


def _levels(shares: list[float], promise: float | None) -> list[dict[str, Any]]:
    if promise is None or not shares:
        return []
    name = _("promise, %(share)s") % {"share": figure(promise, Unit.SHARE)}
    return [trace(name, [0, 1], [promise] * 2, tone="limit", mode="lines", line={"dash": "dash"}, hoverinfo="skip")]


def _here(known: list[tuple[int, float, Estimate]], threshold: float | None) -> list[dict[str, Any]]:
    """Where the threshold in force lies on the curve."""
    if threshold is None:
        return []
    near = [point for point in known if point[0] / BINS >= threshold - 1e-9]
    if not near:
        return []
    _number, share, error = min(near)
    name = _("threshold now, %(at)s") % {"at": f"{threshold:.2f}"}
    made = trace(name, [share], [error.value], tone="person", mode="markers")
    return [made | {"marker": {"size": 12, "symbol": "diamond"}}]


def _right(found: Interval | None) -> Interval:
    return Interval(1 - found.high, 1 - found.low) if found else Interval(0, 1)


def _middle(number: int) -> float:
    return (number + 0.5) / BINS
