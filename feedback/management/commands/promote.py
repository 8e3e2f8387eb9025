from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from feedback.management.commands._case_type import CaseTypeCommand
from feedback.models import ModelVersion
from feedback.registry import promote


class Command(CaseTypeCommand):
    help = "Put a model version to work: the newest, or the one named."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--number", type=int, help="the version's number")
        parser.add_argument("--reason", default="promoted by hand", help="kept in the audit log")
        parser.add_argument("--force", action="store_true", help="also a version that was found not to be better")

    def handle(self, *args: Any, **options: Any) -> None:
        versions = ModelVersion.objects.filter(case_type=self.case_type(options["case_type"])).select_related(
            "case_type"
        )
        version = (
            versions.filter(number=options["number"]).first()
            if options["number"]
            else versions.order_by("-number").first()
        )
        if version is None:
            raise CommandError("There is no such model version; train one first.")
        if version.status == ModelVersion.Status.REFUSED and not options["force"]:
            raise CommandError(
                f"Model {version.number} was found not to be better; --force puts it to work all the same."
            )
        promote(version, actor="promote command", origin="command", reason=options["reason"])
        self.stdout.write(f"Model {version.number} of {version.case_type.key} is at work.")
