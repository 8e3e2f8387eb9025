from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from cases.errors import Conflict
from feedback.management.commands._case_type import CaseTypeCommand
from feedback.registry import roll_back


class Command(CaseTypeCommand):
    help = "Put the model to work again that was at work before the present one."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = roll_back(self.case_type(options["case_type"]), actor="rollback command", origin="command")
        except Conflict as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Model {version.number} of {version.case_type.key} is at work again.")
