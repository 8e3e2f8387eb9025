"""Which time and which case types a report is about, read from a query string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.errors import Invalid
from cases.models import CaseType
from metrics import filters
from metrics.filters import ALL, Filters
from metrics.models import Span

DAY = timedelta(days=1)
STEPS = {Span.HOUR: timedelta(hours=1), Span.DAY: DAY}
LONGEST = {Span.HOUR: 31 * DAY, Span.DAY: 1100 * DAY}
YEARS = range(2000, 2200)
PRESETS = {
    "24h": (gettext_lazy("24 hours"), DAY, Span.HOUR),
    "7d": (gettext_lazy("7 days"), 7 * DAY, Span.DAY),
    "30d": (gettext_lazy("30 days"), 30 * DAY, Span.DAY),
    "90d": (gettext_lazy("90 days"), 90 * DAY, Span.DAY),
}
USUAL = "30d"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole hours or days in UTC, from `start` up to `end`, of one case type or of all, and narrower where asked for."""

    start: datetime
    end: datetime
    span: Span = Span.DAY
    case_type: CaseType | None = None
    only: Filters = ALL

    @property
    def before(self) -> Period:
        """The time of equal length that ended when this one began."""
        return self.shifted(self.start - self.end)

    def shifted(self, by: timedelta) -> Period:
        """A time of equal length, earlier or later."""
        return replace(self, start=self.start + by, end=self.end + by)

    @property
    def words(self) -> str:
        """The first and the last day, or the first hour and the end of the last."""
        if self.span is Span.DAY:
            return f"{self.start:%Y-%m-%d} – {self.end - DAY:%Y-%m-%d}"
        return f"{self.start:%Y-%m-%d %H:%M} – {self.end:%Y-%m-%d %H:%M}"

    def steps(self) -> list[datetime]:
        """Beginnings of its hours or days."""
        step = STEPS[self.span]
        return [self.start + number * step for number in range((self.end - self.start) // step)]


def read(query: Mapping[str, str], *, now: datetime) -> Period:
    """The period a query asks for: `from`, `to`, `case_type`, `interval`, `period`, and the filters.

    Dates are whole days in UTC, `to` included; date-times need an offset, and `to` is the end. Without any the last 30
    days are meant. Raises Invalid with a message per field.
    """
    errors: dict[str, list[str]] = {}
    preset = _preset(query, errors)
    span = _span(query, preset, errors)
    kind = _case_type(query, errors)
    only = filters.read(query, errors)
    start = moment(query, "from", errors, whole_day=timedelta(0))
    end = moment(query, "to", errors, whole_day=DAY)
    if errors:
        raise Invalid(_("Some parameters are not valid."), errors=errors)
    found = _bounded(start, end, span=span, length=PRESETS[preset][1], now=now)
    return replace(found, case_type=kind, only=only)


def _preset(query: Mapping[str, str], errors: dict[str, list[str]]) -> str:
    preset = query.get("period") or USUAL
    if preset not in PRESETS:
        errors["period"] = [_("Choose one of %(names)s.") % {"names": ", ".join(PRESETS)}]
        return USUAL
    return preset


def _span(query: Mapping[str, str], preset: str, errors: dict[str, list[str]]) -> Span:
    interval = query.get("interval") or PRESETS[preset][2]
    if interval not in set(map(str, STEPS)):
        errors["interval"] = [_("Choose hour or day.")]
        return Span.DAY
    return Span(interval)


def _case_type(query: Mapping[str, str], errors: dict[str, list[str]]) -> CaseType | None:
    key = query.get("case_type") or ""
    found = CaseType.objects.filter(key=key).first() if key and "\0" not in key else None
    if key and found is None:
        errors["case_type"] = [_("There is no case type with this key.")]
    return found


def moment(
    query: Mapping[str, str], name: str, errors: dict[str, list[str]], *, whole_day: timedelta
) -> datetime | None:
    """A date, or a date-time with its offset; `whole_day` is added to a date. A wrong one is noted among the errors."""
    text = (query.get(name) or "").strip()
    if not text:
        return None
    try:
        return _parsed(text, whole_day)
    except (ValueError, OverflowError) as error:
        words = _("Write a date such as 2026-03-31, or a date-time with its offset such as 2026-03-31T12:00:00Z.")
        errors[name] = [str(error) if isinstance(error, OutOfRangeError) else words]
    return None


class OutOfRangeError(ValueError):
    """A date that exists and is of no use."""


def _parsed(text: str, whole_day: timedelta) -> datetime:
    day: date | None = parse_date(text) if len(text) <= len("2026-03-31") else None
    moment = datetime.combine(day, time(), UTC) + whole_day if day else parse_datetime(text.replace(" ", "+"))
    if moment is None or moment.tzinfo is None:
        raise ValueError(text)
    if moment.year not in YEARS:
        raise OutOfRangeError(_("The year must lie between 2000 and 2199."))
    return moment.astimezone(UTC)


def _bounded(start: datetime | None, end: datetime | None, *, span: Span, length: timedelta, now: datetime) -> Period:
    """Ends that were left out are filled in; both are widened to whole hours or days."""
    last = floor(end - timedelta(microseconds=1), span) + STEPS[span] if end else None
    if last is None:
        last = max(floor(now, span) + STEPS[span], floor(start, span) + STEPS[span] if start else floor(now, span))
    first = floor(start, span) if start else last - length
    if first >= last:
        raise Invalid(_("The time is empty."), errors={"to": [_("Must lie after the beginning.")]})
    if last - first > LONGEST[span]:
        words = _("At most %(days)d days by the %(span)s.") % {"days": LONGEST[span].days, "span": span.label}
        raise Invalid(_("The time is too long."), errors={"from": [words]})
    return Period(first, last, span)


def floor(moment: datetime, span: Span) -> datetime:
    """The beginning of the hour or day (UTC) that holds the moment."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour.replace(hour=0) if span is Span.DAY else hour
