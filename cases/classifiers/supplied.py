"""No model of our own: the prediction comes with the case, or is posted later."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from cases.classifiers.base import Answer, Brief, Question

SECONDS = 60


class SuppliedClassifier:
    """Waits ``wait_minutes`` for somebody else's prediction, then hands the case to a person.

    The pipeline reads ``wait_seconds`` and puts only cases that have waited longer; asking means the wait is over.
    """

    def __init__(self, *, wait_minutes: float = 60) -> None:
        self.wait_minutes = wait_minutes
        self.wait_seconds = wait_minutes * SECONDS

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        message = _("No prediction was supplied within %(minutes)g minutes.") % {"minutes": self.wait_minutes}
        return [Answer(output=None, error=message) for _question in questions]
