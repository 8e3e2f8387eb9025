"""Overview, throughput and time: how the day's work goes."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models.choices import Priority
from metrics import cards, estimates, marks
from metrics.charts import durations, lines, work
from metrics.charts.base import Cell, Chart, Look, Table, counted, told
from metrics.loading import MEASURES
from metrics.measures import BY_KEY, Unit
from metrics.pages.base import Ask, Kind, Page, drawn
from metrics.report import Report, obeys
from metrics.wording import interval

WORK = ("throughput_clock", "throughput_human", "escalation_rate", "backlog", "backlog_growth", "backlog_hours")
TIMES = (
    *("resolution_median", "resolution_p90", "resolution_blind_median"),
    *("sla_attainment", "waiting_median", "waiting_p90"),
)


def overview(ask: Ask) -> Page:
    report, look = ask.report, ask.look
    charts = [
        work.throughput(report, look),
        work.backlog(report, look),
        lines.escalation(report, look),
        lines.overrides(report, look),
    ]
    tables = [measures_table(report), *changes(look)]
    return Page(cards.all_cards(report), charts=drawn(charts, look), tables=tables, empty=report.empty)


def throughput(ask: Ask) -> Page:
    report, look = ask.report, ask.look
    flow = obeys(BY_KEY["throughput_clock"].heeds, report.period)
    tasks = obeys(BY_KEY["backlog"].heeds, report.period)
    charts: list[Chart | None] = [
        work.throughput(report, look) if flow else None,
        work.arrivals(report, look) if not report.period.only.chosen else None,
        work.backlog(report, look) if tasks else None,
        lines.escalation(report, look) if flow else None,
    ]
    page = Page(
        cards.all_cards(report, WORK), charts=drawn(charts, look), tables=list(changes(look)), empty=report.empty
    )
    page.notes = [balance] if (balance := _balance(report)) else []
    return page


def _balance(report: Report) -> str:
    """Whether those who are there can do what comes to them, in words."""
    totals = report.totals
    done, hours = totals.tasks["ended"], totals.hours
    if report.period.only.chosen or not done or not hours or not totals.tasks["opened"]:
        return ""
    each = totals.human_seconds / done
    needed, worked = totals.tasks["opened"] / hours * each / 3600, totals.human_seconds / 3600 / hours
    return _(
        "%(tasks)s tasks an hour came to people, who took %(minutes)s min each: %(needed)s hours of work in every hour; "
        "%(worked)s were worked."
    ) % {
        "tasks": f"{totals.tasks['opened'] / hours:,.1f}",
        "minutes": f"{each / 60:.1f}",
        "needed": f"{needed:,.1f}",
        "worked": f"{worked:,.1f}",
    }


def time(ask: Ask) -> Page:
    report, look = ask.report, ask.look
    charts = [
        lines.resolution(report, look),
        durations.spread(report, look),
        lines.waiting(report, look),
        lines.attainment(report, look),
    ]
    tables = [durations.against(report), queues_table(report, look), *changes(look)]
    empty = not report.totals.tasks.total()
    return Page(cards.all_cards(report, TIMES), charts=drawn(charts, look), tables=tables, empty=empty)


def queues_table(report: Report, look: Look) -> Table:
    """How each queue and priority kept up."""
    columns = [
        *(_("queue"), _("priority"), _("tasks settled"), _("in time"), _("attainment"), _("interval, 95 %")),
        *(_("waiting, median"), _("resolution, median"), _("interval, 95 %")),
    ]
    rows: list[list[str]] = []
    for line in report.queues:
        pace = estimates.quantile(line.active, 0.5)
        href = look.behind("settled", queue=line.key, priority=line.priority) if line.key else ""
        rows.append(
            [
                Cell(line.queue),
                str(Priority(line.priority).label),
                counted(line.settled, href),
                counted(line.met),
                told(line.attainment.value, Unit.SHARE),
                interval(line.attainment.interval, Unit.SHARE),
                told(line.waiting.quantile(0.5), Unit.SECONDS),
                told(pace.value, Unit.SECONDS),
                interval(pace.interval, Unit.SECONDS),
            ]
        )
    late = frozenset(at for at, line in enumerate(report.queues) if line.met < line.settled)
    return Table("queues", _("By queue and priority"), columns, rows, alarming=late)


def measures_table(report: Report) -> Table:
    """Every measure as numbers."""
    rows = [[_bare(cell) for cell in row] for row in cards.rows(report)]
    return Table("measures", _("The measures as numbers"), [str(column) for column in cards.COLUMNS], rows)


def _bare(cell: object) -> Cell:
    """A number with as many digits as one reads; exports get all of them."""
    return Cell("–", "") if cell is None else Cell(f"{cell:,.4g}" if isinstance(cell, float) else str(cell), cell)


def changes(look: Look) -> list[Table]:
    """What changed during the time; nothing where nothing did."""
    if not look.marks:
        return []
    words = _("Marked on every axis of time.")
    return [
        Table(
            "changes",
            _("Changes in this time"),
            [_("when (UTC)"), _("what")],
            marks.rows(look.marks),
            words,
            wordy=True,
        )
    ]


KINDS = (
    Kind(
        "overview",
        gettext_lazy("Overview"),
        gettext_lazy("Every measure at a glance: the figure, how sure it is, and what to do where it is not well."),
        overview,
        needs=MEASURES,
    ),
    Kind(
        "throughput",
        gettext_lazy("Throughput"),
        gettext_lazy("What comes, what goes, and whether the people who are there can keep up."),
        throughput,
        needs=frozenset({"flow", "work", "samples", "backlog"}),
        filters=("queue", "mode"),
        measures=WORK,
    ),
    Kind(
        "time",
        gettext_lazy("Time"),
        gettext_lazy("How long work takes and waits, against the same work without the machine."),
        time,
        needs=frozenset({"work", "durations", "backlog", "lanes"}),
        filters=("queue",),
        measures=TIMES,
    ),
)
