from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from feedback.datasets import Selection, composed
from feedback.exports import FORMATS
from feedback.management.commands._case_type import CaseTypeCommand, dataset_named
from feedback.models import DatasetItem


class Command(CaseTypeCommand):
    help = "Write what people decided and corrected as a training file: of a frozen dataset, or as it stands now."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument(
            "--dataset", metavar="NAME[@VERSION]", help="a frozen dataset; its newest version by default"
        )
        parser.add_argument("--unmasked", action="store_true", help="without --dataset: leave personal data as it is")
        parser.add_argument(
            "--minimum-agreement",
            type=share,
            default=0.0,
            metavar="SHARE",
            help="without --dataset: only cases of two readers and more, of whom this share (0 to 1) gave the answer",
        )
        parser.add_argument("--out", type=Path, help="the file to write; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        case_type = self.case_type(options["case_type"])
        items: Iterable[DatasetItem]
        if options["dataset"]:
            items = dataset_named(case_type, options["dataset"]).items.all()
        else:
            wanted = Selection(mask=not options["unmasked"], minimum_agreement=options["minimum_agreement"])
            items = composed(case_type, wanted)
        lines = list(FORMATS[options["format"]](case_type, items))
        if options["out"] is None:
            sys.stdout.writelines(lines)
            return
        with options["out"].open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        self.stderr.write(f"{len(lines)} lines written to {options['out']}.")


def share(text: str) -> float:
    """A share from 0 to 1. ValueError otherwise."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value
