from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hitl_project.demo.feeding import feed


class Command(BaseCommand):
    help = "Let the demonstration's cases keep arriving, one every few seconds, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=10.0, help="seconds between two cases, on average")
        parser.add_argument("--limit", type=int, default=0, help="stop after so many cases; 0 means never")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["every"] <= 0:
            raise CommandError("--every takes seconds above 0.")
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        feed(stopped, every=options["every"], limit=options["limit"])
