from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cases.models import CaseType
from feedback.datasets import Selection, composed
from feedback.exports import FORMATS
from feedback.management.commands._case_type import CaseTypeCommand
from feedback.models import Dataset, DatasetItem


class Command(CaseTypeCommand):
    help = "Write what people decided and corrected as a training file: of a frozen dataset, or as it stands now."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument(
            "--dataset", metavar="NAME[@VERSION]", help="a frozen dataset; its newest version by default"
        )
        parser.add_argument("--unmasked", action="store_true", help="without --dataset: leave personal data as it is")
        parser.add_argument("--out", type=Path, help="the file to write; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        case_type = self.case_type(options["case_type"])
        items: Iterable[DatasetItem] = composed(case_type, Selection(mask=not options["unmasked"]))
        if options["dataset"]:
            items = _dataset(case_type, options["dataset"]).items.all()
        lines = list(FORMATS[options["format"]](case_type, items))
        if options["out"] is None:
            sys.stdout.writelines(lines)
            return
        with options["out"].open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        self.stderr.write(f"{len(lines)} lines written to {options['out']}.")


def _dataset(case_type: CaseType, wanted: str) -> Dataset:
    name, _at, number = wanted.partition("@")
    rows = Dataset.objects.filter(case_type=case_type, name=name).order_by("-number")
    found = (rows.filter(number=number) if number.isdecimal() else rows.none() if number else rows).first()
    if found is None:
        raise CommandError(f"There is no dataset '{wanted}' of '{case_type.key}'.")
    return found
