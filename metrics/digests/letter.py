"""One person's weekly mail: the figures, their change against the week before, and the charts, in their language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.mime.image import MIMEImage
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cases.actions.email import message_id
from metrics import looking
from metrics.digests import subscribing
from metrics.looking import Seen
from metrics.pages import KINDS
from metrics.paper import pictures
from metrics.periods import Period
from review.profiles import profile_of

WEEK = timedelta(days=7)
KEYS = (
    *("throughput_clock", "throughput_human", "escalation_rate", "resolution_median", "override_rate_sampled"),
    *("post_validation_error", "automated_error", "sla_attainment", "backlog", "backlog_hours"),
)
CHARTS = ("throughput", "backlog", "escalation")


@dataclass(frozen=True, slots=True)
class Picture:
    key: str
    title: str
    caption: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    context: Mapping[str, Any]
    pictures: list[Picture]

    @property
    def text(self) -> str:
        return render_to_string("metrics/digest/mail.txt", dict(self.context))

    def html(self, sources: Mapping[str, str]) -> str:
        """The mail with its charts at these addresses."""
        shown = [{"picture": picture, "source": sources[picture.key]} for picture in self.pictures]
        return render_to_string("metrics/digest/mail.html", {**self.context, "shown": shown})


def write(user: User, week: date, *, address: str, now: datetime) -> Letter:
    """The letter about the week that began on that Monday (days are UTC). Call it in the reader's language."""
    seen = seen_by(user, week, now=now)
    period, page = seen.ask.report.period, seen.page
    cards = [card for card in page.cards if card.measure.key in KEYS]
    drawn = [] if page.empty else list(_pictures(seen))
    query = f"?from={period.start:%Y-%m-%d}&to={period.end - timedelta(days=1):%Y-%m-%d}&compare=before"
    context = {
        "person": user.get_short_name() or user.get_username(),
        "period": period.words,
        "cards": cards,
        "empty": page.empty,
        "acting": [card for card in cards if card.state == "alert"],
        "report": f"{address}{reverse('reports:report')}{query}",
        "ending": f"{address}{reverse('reports:unsubscribe', args=[subscribing.token_of(user)])}",
        "written": localtime(now),
    }
    return Letter(_("Countersign, %(period)s") % {"period": period.words}, context, drawn)


def seen_by(user: User, week: date, *, now: datetime) -> Seen:
    """The overview of that week beside the one before. Mails hold sums alone, never a way to cases."""
    start = datetime.combine(week, time(), UTC)
    period = Period(start, start + WEEK)
    return looking.make(KINDS["overview"], period, reader=user, now=now, other=period.before, on_paper=True)


def _pictures(seen: Seen) -> Iterator[Picture]:
    for chart in seen.page.charts:
        if chart.key in CHARTS:
            yield Picture(chart.key, chart.title, chart.caption, pictures.as_png(chart.figure))


def message(user: User, week: date, *, address: str, now: datetime) -> EmailMultiAlternatives:
    """The letter as a mail, in the language and zone of the reader."""
    profile = profile_of(user)
    with translation.override(profile.language or settings.LANGUAGE_CODE), timezone.override(profile.time_zone or None):
        letter = write(user, week, address=address, now=now)
        text, html = letter.text, letter.html({picture.key: f"cid:{picture.key}" for picture in letter.pictures})
    ending = letter.context["ending"]
    made = EmailMultiAlternatives(
        letter.subject,
        text,
        to=[user.email],
        headers={
            "Message-ID": message_id(f"digest-{user.pk}-{week}", settings.DEFAULT_FROM_EMAIL),
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{ending}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    made.attach_alternative(html, "text/html")
    made.mixed_subtype = "related"  # type: ignore[attr-defined]  # as Django documents it
    for picture in letter.pictures:
        made.attach(_inline(picture))
    return made


def _inline(picture: Picture) -> MIMEImage:
    image = MIMEImage(picture.png, "png")
    image.add_header("Content-ID", f"<{picture.key}>")
    image.add_header("Content-Disposition", "inline", filename=f"{picture.key}.png")
    return image
