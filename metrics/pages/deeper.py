"""Quality, people, versions and cost: whether the work is worth doing so."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from metrics import cards
from metrics.cards import Tile
from metrics.charts import cost as costs
from metrics.charts import lines, people, quality, versions
from metrics.charts.base import Chart
from metrics.measures import BY_KEY
from metrics.pages.base import Ask, Kind, Page, drawn
from metrics.pages.everyday import changes
from metrics.report import obeys
from metrics.wording import duration, money
from review.models import Policy

ERRORS = ("override_rate", "override_rate_sampled", "catch_rate", "post_validation_error", "automated_error")
QUEUE = BY_KEY["override_rate"].heeds


def errors(ask: Ask) -> Page:
    report, look = ask.report, ask.look
    chosen = report.period.only.chosen
    bins = quality.bins_of(look) if chosen <= {"version"} else {}
    charts: list[Chart | None] = []
    if not chosen:
        charts += [lines.overrides(report, look), lines.automated(report, look), lines.validation(report, look)]
        charts += [quality.confusion(look, pairs, sampled=kind) for kind, pairs in quality.pairs_of(look).items()]
    if bins:
        charts += [
            quality.reliability(look, bins),
            quality.coverage(look, bins, threshold=_threshold(ask), promise=report.facts.promise),
        ]
    notes = [] if obeys(frozenset(), report.period) else [_("Shown is what is kept apart by the version of the model.")]
    page = Page(cards.all_cards(report, ERRORS), charts=drawn(charts, look), tables=changes(look), notes=notes)
    page.empty = not (report.totals.coins or report.totals.tasks.total() or report.totals.checks or bins)
    return page


def _threshold(ask: Ask) -> float | None:
    """Of the policy in force, where one case type is looked at."""
    if ask.report.period.case_type is None:
        return None
    active = Policy.objects.filter(case_type=ask.report.period.case_type, status=Policy.Status.ACTIVE)
    return active.exclude(mode=Policy.Mode.VALIDATOR).values_list("threshold", flat=True).first()


def persons(ask: Ask) -> Page:
    """By name for who leads them, their own row for who is one of them, sums alone for everybody else."""
    report, look = ask.report, ask.look
    found = people.load(look, ask.reader, everybody=ask.everybody)
    charts = drawn([people.catches(found)], look)
    shown = ("override_rate", "catch_rate", "post_validation_error", "resolution_median")
    may = ask.reader.has_perm("metrics.view_report")
    notes = (
        []
        if ask.everybody
        else [_("Only your own row is shown; each person's figures are for them and who leads them.")]
    )
    page = Page(charts=charts, tables=[people.table(found)] if found else [], notes=notes)
    page.cards = cards.all_cards(report, shown) if may else ()
    page.empty = not found and not (may and report.totals.tasks.total())
    return page


def models(ask: Ask) -> Page:
    look = ask.look
    found = versions.load(look)
    charts = [versions.answers(look, found), versions.rates(look, found)] if found else []
    tables = [versions.side_by_side(look, found), *changes(look)]
    return Page(charts=drawn(charts, look), tables=tables, empty=not found)


def cost(ask: Ask) -> Page:
    report, look = ask.report, ask.look
    steps = costs.spent(report, look, costs.bills(look))
    whole = costs.total(steps, look)
    charts = [costs.dollars(report, look, steps), costs.per_case(report, look, steps)]
    tiles = [
        Tile(
            _("Model, per case"), money(whole.per_case(whole.model)), _("%(sum)s in all") % {"sum": money(whole.model)}
        ),
        Tile(
            _("Human time, per case"),
            "–" if not whole.closed else duration(whole.seconds / whole.closed),
            _("%(time)s in all") % {"time": duration(whole.seconds)},
        ),
    ]
    if whole.people is not None:
        in_all = _("%(sum)s in all") % {"sum": money(whole.people)}
        tiles.append(Tile(_("People, per case"), money(whole.per_case(whole.people)), in_all))
        in_all = _("%(sum)s in all") % {"sum": money(whole.whole)}
        tiles.append(Tile(_("Model and people, per case"), money(whole.per_case(whole.whole)), in_all))
    tables = changes(look)
    empty = not (whole.closed or whole.model or whole.seconds)
    return Page(tiles=tiles, charts=drawn(charts, look), tables=tables, empty=empty)


KINDS = (
    Kind(
        "quality",
        gettext_lazy("Quality"),
        gettext_lazy(
            "What was changed, what was found wrong afterwards, and whether the machine is as good as it says."
        ),
        errors,
        needs=frozenset({"work", "samples", "checks", "people"}),
        filters=("queue", "version"),
        measures=ERRORS,
    ),
    Kind(
        "people",
        gettext_lazy("People"),
        gettext_lazy("How each person works, by name. This is no ranking: most differences are chance."),
        persons,
        needs=frozenset({"work", "durations", "checks", "people"}),
    ),
    Kind(
        "models",
        gettext_lazy("Models and policies"),
        gettext_lazy("Versions side by side, and what changed when."),
        models,
        needs=frozenset(),
        filters=("version",),
    ),
    Kind(
        "cost",
        gettext_lazy("Cost"),
        gettext_lazy("What the model and people's time cost, for each case."),
        cost,
        needs=frozenset({"flow", "work", "samples"}),
    ),
)
