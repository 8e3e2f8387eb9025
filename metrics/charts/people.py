"""People by name, never by rank; each figure with its interval, and none that rests on too little."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.access import visible
from metrics import estimates, loading
from metrics.charts.base import Cell, Chart, Look, Table, counted, layout, told, trace
from metrics.estimates import Estimate
from metrics.histograms import Histogram
from metrics.measures import Unit
from metrics.models import PersonRollup
from metrics.watches import ATTENTIVE
from metrics.wording import interval

FIGURES = ("decided", "shown", "overrides", "checked", "wrong", "planted_wrong", "planted_caught")
LEAST = 20  # decisions below which nobody's pace or care is spoken of
LEAST_PLANTED = 10


@dataclass(slots=True)
class Person:
    name: str
    counts: Counter[str] = field(default_factory=Counter)
    active: Histogram = field(default_factory=Histogram)

    def share(self, part: str, whole: str, *, least: int = LEAST) -> Estimate:
        """A share of theirs, without a value where it rests on too little."""
        made = estimates.share(self.counts[part], self.counts[whole])
        return made if made.observations >= least else Estimate(None, None, *made_of(made))

    def pace(self) -> Estimate:
        made = estimates.quantile(self.active, 0.5)
        return made if made.observations >= LEAST else Estimate(None, None, *made_of(made))


def made_of(estimate: Estimate) -> tuple[float, float, int]:
    return estimate.numerator, estimate.denominator, estimate.observations


def load(look: Look, reader: User, *, everybody: bool) -> list[Person]:
    """The people the reader may know, by name: all of theirs, or themselves alone."""
    rows: Any = loading.narrowed(PersonRollup, look.period)
    if not everybody:
        rows = rows.filter(user_id=reader.pk)
    found: defaultdict[int, list[list[Any]]] = defaultdict(list)
    for user_id, *figures in rows.values_list("user_id", "active", *FIGURES):
        found[user_id].append(figures)
    known = visible(reader, User.objects.all(), "auth.view_user") if everybody else User.objects.filter(pk=reader.pk)
    return [_person(user, found[user.pk]) for user in known.filter(pk__in=list(found)).order_by("username")]


def _person(user: User, rows: Sequence[Sequence[Any]]) -> Person:
    active, *columns = zip(*rows, strict=True)
    counts = Counter(dict(zip(FIGURES, map(sum, columns), strict=True)))
    return Person(user.get_username(), counts, Histogram.added(active))


def table(people: list[Person]) -> Table:
    columns = [
        *(_("person"), _("decisions"), _("pace, median"), _("interval, 95 %"), _("overridden"), _("interval, 95 %")),
        *(_("found wrong"), _("interval, 95 %"), _("checked")),
        *(_("planted errors caught"), _("interval, 95 %"), _("planted")),
    ]
    words = _("By name. A figure that rests on fewer than %(n)d decisions, or %(p)d planted errors, is not shown.") % {
        "n": LEAST,
        "p": LEAST_PLANTED,
    }
    return Table("people", _("People"), columns, [_row(person) for person in people], caption=words)


def _row(person: Person) -> list[str]:
    pace, changed = person.pace(), person.share("overrides", "shown")
    wrong, caught = (
        person.share("wrong", "checked"),
        person.share("planted_caught", "planted_wrong", least=LEAST_PLANTED),
    )
    return [
        Cell(person.name),
        counted(person.counts["decided"]),
        *_bounded(pace, Unit.SECONDS),
        *_bounded(changed, Unit.SHARE),
        *_bounded(wrong, Unit.SHARE),
        counted(person.counts["checked"]),
        *_bounded(caught, Unit.SHARE),
        counted(person.counts["planted_wrong"]),
    ]


def _bounded(estimate: Estimate, unit: Unit) -> list[str]:
    return [told(estimate.value, unit), interval(estimate.interval, unit)]


def catches(people: list[Person]) -> Chart | None:
    """What each person caught of the planted errors; None where nobody was shown enough."""
    found = [(p.name, p.share("planted_caught", "planted_wrong", least=LEAST_PLANTED)) for p in people]
    known = [(name, e.value, e.interval, e) for name, e in found if e.value is not None and e.interval]
    if not known:
        return None
    made = trace(
        _("caught"), [v for _n, v, _i, _e in known], [n for n, _v, _i, _e in known], tone="person", mode="markers"
    )
    made["marker"] = {"size": 9}
    made["error_x"] = {
        "type": "data",
        "symmetric": False,
        "array": [bounds.high - value for _n, value, bounds, _e in known],
        "arrayminus": [value - bounds.low for _n, value, bounds, _e in known],
    }
    names = [known[0][0], known[-1][0]]
    line = trace(_("an attentive reader"), [ATTENTIVE] * 2, names, tone="watch", mode="lines", line={"dash": "dash"})
    shape = layout(None, time=False)
    shape["xaxis"] |= {"range": [0, 1.02], "tickformat": ".0%"}
    shape["yaxis"] = {"type": "category", "automargin": True, "autorange": "reversed"}
    columns = [_("person"), _("caught"), _("interval, 95 %"), _("planted")]
    rows: list[list[str]] = [
        [Cell(name), *_bounded(estimate, Unit.SHARE), counted(estimate.observations)]
        for name, _value, _bounds, estimate in known
    ]
    words = _(
        "Planted errors that each person caught, by name. The intervals are wide: two that overlap tell nothing apart."
    )
    return Chart(
        "catches",
        _("Planted errors caught"),
        words,
        {"data": [made, line], "layout": shape},
        columns,
        rows,
        over_time=False,
    )
