from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.models import CaseType
from feedback.models import Dataset


class CaseTypeCommand(BaseCommand):
    """A command about one case type, named by its key."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("case_type", help="the key of the case type")

    def case_type(self, key: str) -> CaseType:
        found = CaseType.objects.filter(key=key).first()
        if found is None:
            known = ", ".join(CaseType.objects.values_list("key", flat=True)) or "none yet"
            raise CommandError(f"There is no case type '{key}'. There are: {known}.")
        return found


def dataset_named(case_type: CaseType, wanted: str) -> Dataset:
    """The frozen dataset of a name, or of a name and version (``refunds@3``)."""
    name, _at, number = wanted.partition("@")
    rows = Dataset.objects.filter(case_type=case_type, name=name).order_by("-number")
    found = (rows.filter(number=number) if number.isdecimal() else rows.none() if number else rows).first()
    if found is None:
        raise CommandError(f"There is no dataset '{wanted}' of '{case_type.key}'.")
    return found
