from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hitl_project.stack.stack import CannotStart, Stack


class Command(BaseCommand):
    help = "Starts and supervises everything: Redis where none is given, migrations, web, workers and the scheduler."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="load the demonstration organisation and let cases arrive"
        )
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: PORT; 0 takes any free one")
        parser.add_argument("--host", default=settings.HOST, help="default: HOST")

    def handle(self, *args: Any, **options: Any) -> None:
        stack = Stack(host=options["host"], port=options["port"], demo=options["demo"])
        try:
            stack.run(lambda address: self._announce(address, demo=options["demo"]))
        except CannotStart as error:
            raise CommandError(str(error)) from None

    def _announce(self, address: str, *, demo: bool) -> None:
        self.stdout.write(f"\nCountersign is ready: {address}")
        if demo:
            self._print_logins()
        self.stdout.write("Stop with Ctrl-C.\n")
        self.stdout.flush()

    def _print_logins(self) -> None:
        from hitl_project.demo.people import PEOPLE

        self.stdout.write("\n  role            user              password")
        for person in {person.role: person for person in reversed(PEOPLE)}.values():
            self.stdout.write(f"  {person.role:<15} {person.username:<17} {person.password}")
        self.stdout.write("")
