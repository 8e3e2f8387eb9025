from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from cases.classifiers.text_training import NotEnoughExamples, TrainingFailed
from cases.errors import Conflict
from feedback.management.commands._case_type import CaseTypeCommand, dataset_named
from feedback.training import train


class Command(CaseTypeCommand):
    help = "Train the local model from what people decided, and put it to work if it is better than the one at work."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dataset",
            metavar="NAME[@VERSION]",
            help="learn from one side of a frozen dataset and judge by the other; its newest version by default",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        case_type = self.case_type(options["case_type"])
        dataset = dataset_named(case_type, options["dataset"]) if options["dataset"] else None
        try:
            version = train(case_type, actor="train command", origin="command", dataset=dataset)
        except (NotEnoughExamples, TrainingFailed, Conflict) as error:
            raise CommandError(str(error)) from error
        figures, comparison = version.metrics, version.metrics["comparison"]
        self.stdout.write(
            f"Model {version.number} of {case_type.key}: trained on {version.trained_on['examples']} examples."
        )
        if figures["held_out"]:
            self.stdout.write(
                f"Held out: {figures['held_out']} examples, accuracy {figures['accuracy']:.4f}, "
                f"calibration error {figures['calibration_error']:.4f}."
            )
        verdict = "Promoted" if comparison["better"] else "Not promoted"
        self.stdout.write(f"{verdict}: {comparison['why']}.")
