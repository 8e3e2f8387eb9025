from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from cases.classifiers.text_training import NotEnoughExamples, TrainingFailed
from cases.errors import Conflict
from feedback.management.commands._case_type import CaseTypeCommand
from feedback.training import train


class Command(CaseTypeCommand):
    help = "Train the local model from what people decided, and put it to work if it is better than the one at work."

    def handle(self, *args: Any, **options: Any) -> None:
        case_type = self.case_type(options["case_type"])
        try:
            version = train(case_type, actor="train command", origin="command")
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
