from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.erase import erase


class Command(BaseCommand):
    help = "Removes what a requester's cases held; keeps salted digests. Undecided cases are withdrawn first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--requester", required=True, metavar="ID", help="the requester, exactly as the cases name it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["requester"]:
            raise CommandError("Name the requester: an empty one would be every case without one.")
        done = erase(options["requester"], actor="command line", origin="command")
        self.stdout.write(f"{done.cases} cases erased.")
        if done.waiting:
            raise CommandError(
                f"{done.waiting} cases still have something on its way out; run this again once they are closed."
            )
