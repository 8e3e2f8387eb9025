from __future__ import annotations

import json
from typing import Any

from feedback.examples import learnable, split
from feedback.management.commands._case_type import CaseTypeCommand
from feedback.training import score_of_active


class Command(CaseTypeCommand):
    help = "Put the model at work to the examples held out; prints its figures as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        case_type = self.case_type(options["case_type"])
        found = score_of_active(case_type, split(learnable(case_type))[1])
        self.stdout.write(json.dumps(found.summary() if found else {"model": None}, indent=2))
