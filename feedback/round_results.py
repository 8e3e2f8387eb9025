"""What a round has shown so far: how much is read, how often the machine was wrong, and where."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from feedback.models import Draw, Round, Sample
from feedback.rounds import BUSY, STOPPED
from feedback.shares import Share

MOST_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Progress:
    """Cases to be read (without those left out), and read; ``extra`` of them are top-ups."""

    drawn: int
    read: int
    extra: int
    busy: int
    stopped: int

    @property
    def complete(self) -> bool:
        return self.read >= self.drawn


@dataclass(frozen=True, slots=True)
class OfLabel:
    label: str
    wrong: Share


def progress(round_: Round) -> Progress:
    counted = Draw.objects.filter(round=round_).aggregate(
        drawn=Count("pk", filter=Q(dropped="")),
        read=Count("sample"),
        extra=Count("pk", filter=Q(dropped="", uniform=False)),
        busy=Count("pk", filter=Q(dropped=BUSY)),
        stopped=Count("pk", filter=Q(dropped=STOPPED)),
    )
    return Progress(**counted)


def error_share(round_: Round) -> Share:
    """Of the uniform draws alone: top-ups favour rare labels and would bend the figure."""
    return _wrong(_read(round_).filter(uniform=True))


def by_label(round_: Round) -> list[OfLabel]:
    """By the label that was decided. Within a label every reading had the same chance, so top-ups count here."""
    groups = _read(round_).order_by().values("decision__label")
    counted = groups.annotate(read=Count("pk"), wrong=Count("pk", filter=Q(correct=False)))
    found = [OfLabel(row["decision__label"] or "", Share(row["wrong"], row["read"])) for row in counted]
    return sorted(found, key=lambda row: (-row.wrong.part, -row.wrong.whole, row.label))


def errors(round_: Round) -> QuerySet[Sample]:
    """The errors found, the newest first."""
    wrong = _read(round_).filter(correct=False).select_related("correction", "read_by")
    return wrong.order_by("-pk")[:MOST_ERRORS]


def still_serving(round_: Round) -> int:
    """Samples of the round that keep their cases out of training."""
    return _read(round_).filter(released_at=None).count()


def _read(round_: Round) -> QuerySet[Sample]:
    return Sample.objects.filter(draw__round=round_)


def _wrong(rows: QuerySet[Sample]) -> Share:
    counted = rows.aggregate(read=Count("pk"), wrong=Count("pk", filter=Q(correct=False)))
    return Share(counted["wrong"], counted["read"])
