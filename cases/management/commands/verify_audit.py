from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cases import seals


class Command(BaseCommand):
    help = (
        "Seal what has settled, then check every sealed event: exit 0 and a count, or exit 1 and the first broken one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the verdict as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = seals.verify()
        if verdict.broken is None:
            seals.seal()
            verdict = seals.verify()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(verdict)))
        elif verdict.broken is None:
            self.stdout.write(
                f"{verdict.events} events verified, {verdict.sealed} of them sealed. Head: {verdict.head or '-'}"
            )
        else:
            self.stdout.write(f"Broken at event {verdict.broken}: {verdict.why}.")
        if verdict.broken is not None:
            sys.exit(1)
