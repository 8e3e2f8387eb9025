from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from feedback.exports import FORMATS
from feedback.management.commands._case_type import CaseTypeCommand


class Command(CaseTypeCommand):
    help = "Write what people decided and corrected as a training file."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument("--out", type=Path, help="the file to write; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = list(FORMATS[options["format"]](self.case_type(options["case_type"])))
        if options["out"] is None:
            sys.stdout.writelines(lines)
            return
        with options["out"].open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        self.stderr.write(f"{len(lines)} lines written to {options['out']}.")
