"""What an alert says, in the reader's language, from the figures it was raised on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from metrics.measures import Unit
from metrics.wording import duration, figure, plain

Figures = Mapping[str, Any]


def _share(value: Any) -> str:
    return figure(None if value is None else float(value), Unit.SHARE)


def _base(found: Figures) -> dict[str, str]:
    counted = {name: number_format(found.get(name) or 0, 0, force_grouping=True) for name in ("part", "whole")}
    return {**counted, **{name: _share(found.get(name)) for name in ("share", "usual", "limit")}}


def escalation(found: Figures) -> str:
    return _("%(share)s of the cases went to a person (%(part)s of %(whole)s); usual at these hours: %(usual)s.") % (
        _base(found)
    )


def classifier(found: Figures) -> str:
    return _("The classifier failed on %(share)s of its answers (%(part)s of %(whole)s); usual: %(usual)s.") % (
        _base(found)
    )


def post_validation(found: Figures) -> str:
    words = _("%(share)s of the checked human decisions were wrong (%(part)s of %(whole)s); usual: %(usual)s.")
    return words % _base(found)


def catch_rate(found: Figures) -> str:
    words = _("%(share)s of the known errors were let pass (%(part)s of %(whole)s); usual: %(usual)s.")
    return words % _base(found)


def automated(found: Figures) -> str:
    words = _("%(share)s of the sampled decisions by policy were wrong (%(part)s of %(whole)s); promised: %(limit)s.")
    return words % _base(found)


def override(found: Figures) -> str:
    words = _("%(share)s of the sampled cases were changed (%(part)s of %(whole)s); the band ends at %(limit)s.")
    return words % _base(found)


def governor(found: Figures) -> str:
    words = _(
        "%(share)s of the cases of the last day went to a person (%(part)s of %(whole)s); the limit is %(limit)s."
    )
    return words % _base(found)


def resolution(found: Figures) -> str:
    told = {"now": duration(found.get("seconds") or 0), "usual": duration(found.get("usual") or 0)}
    words = _("A decision takes %(now)s on average (%(whole)s decisions); usual at these hours: %(usual)s.")
    return words % {**told, "whole": number_format(found.get("whole") or 0, 0, force_grouping=True)}


def saturated(found: Figures) -> str:
    told = {name: plain(found.get(name) or 0) for name in ("arrived", "finished", "growth")}
    told["open"] = number_format(found.get("open") or 0, 0, force_grouping=True)
    words = _(
        "%(arrived)s tasks an hour arrive, %(finished)s are done: %(open)s wait and it grows by %(growth)s an hour."
    )
    hours = found.get("breach_hours")
    if hours is None:
        return words % told
    late = _("The first is late in %(time)s.") if hours > 0 else _("Tasks are late already.")
    return f"{words % told} {late % {'time': duration(hours * 3600)} if hours > 0 else late}"


def due_soon(found: Figures) -> str:
    soon = int(found.get("soon") or 0)
    words = ngettext(
        "%(soon)d task falls due within %(minutes)d minutes.",
        "%(soon)d tasks fall due within %(minutes)d minutes.",
        soon,
    )
    told = words % {"soon": soon, "minutes": found.get("minutes") or 0}
    late = int(found.get("overdue") or 0)
    more = ngettext("%(late)d is late already.", "%(late)d are late already.", late) % {"late": late}
    return f"{told} {more}" if late else told


def dead(found: Figures) -> str:
    count = int(found.get("count") or 0)
    words = ngettext("%(count)d delivery is dead.", "%(count)d deliveries are dead.", count) % {"count": count}
    return f"{words} {', '.join(found.get('names') or ())}".strip()


def no_worker(found: Figures) -> str:
    return _("Nobody works on: %(queues)s.") % {"queues": ", ".join(found.get("names") or ())}


def drifted(found: Figures) -> str:
    told = {name: number_format(found.get(name) or 0, 3) for name in ("psi", "critical")}
    words = _("The index is %(psi)s over %(whole)s answers; without a change it stays below %(critical)s at this size.")
    return words % {**told, "whole": number_format(found.get("whole") or 0, 0, force_grouping=True)}
