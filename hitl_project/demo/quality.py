"""What the supervisors have under way when the history ends: a frozen dataset, a weekly round of samples, a first prompt."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.clock import moment
from cases.models import CaseType
from feedback import datasets, prompts, rounds
from feedback.models import Dataset, Round

ORIGIN = "demo"
WEEK, TO_READ = timedelta(days=7), timedelta(days=3)
HOUSE_STYLE = """Write as Harbour & Pine does: warm, short, no promise of a date that the carrier has not given.

"""


def set_up(supervisor: User, *, now: datetime) -> None:
    """Through the product's own verbs, as a supervisor would."""
    mails, replies = (CaseType.objects.get(key=key) for key in ("support-email", "reply"))
    _freeze(mails, by=supervisor)
    asked = rounds.Asked(mails, since=now - WEEK, until=now, size=12, due_at=moment() + TO_READ, kind=Round.Kind.WEEKLY)
    rounds.open_round(asked, by=supervisor, origin=ORIGIN)
    drafts = _freeze(replies, by=supervisor)
    prompts.compose(
        replies,
        template=HOUSE_STYLE + STARTING_TEMPLATE,
        few_shot={"count": 4, "choice": "fixed"},
        settings={"temperature": 0.2},
        dataset=drafts,
        by=supervisor,
        origin=ORIGIN,
    )


def _freeze(case_type: CaseType, *, by: User) -> Dataset:
    return datasets.freeze(case_type, name="what-we-decided", selection=datasets.Selection(), by=by, origin=ORIGIN)[0]
