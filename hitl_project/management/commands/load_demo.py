from __future__ import annotations

from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from hitl_project.demo.loading import SEED, load
from hitl_project.demo.simulation import DAYS


class Command(BaseCommand):
    help = (
        "Load the demonstration: a shop, its people, and a month of its cases. Does nothing when it is there already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help="how much history (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=SEED, help="another seed, another month")

    def handle(self, *args: Any, **options: Any) -> None:
        started = monotonic()
        count = load(now=timezone.now(), tell=self._tell, days=options["days"], seed=options["seed"])
        if count:
            self._tell(f"{count} cases in {monotonic() - started:.0f} s")
        else:
            self._tell("it is here already")

    def _tell(self, message: str) -> None:
        self.stdout.write(f"demo: {message}")
        self.stdout.flush()
