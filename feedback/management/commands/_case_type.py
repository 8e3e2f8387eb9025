from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.models import CaseType


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
