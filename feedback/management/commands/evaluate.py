from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError

from cases.classifiers.text_training import TrainingFailed
from feedback.examples import learnable, split
from feedback.management.commands._case_type import CaseTypeCommand
from feedback.registry import at_work
from feedback.training import score_of


class Command(CaseTypeCommand):
    help = "Put the model at work to the examples held out; prints its figures as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        case_type = self.case_type(options["case_type"])
        active = at_work(case_type)
        if active is None:
            self.stdout.write(json.dumps({"model": None}))
            return
        try:
            found = score_of(active, split(learnable(case_type))[1])
        except TrainingFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"model": active.number, **found.summary()}, indent=2))
