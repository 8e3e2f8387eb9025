import sys
from typing import Any

from django.core.management.base import BaseCommand

from hitl_project.doctor import findings


class Command(BaseCommand):
    help = "Checks the installation and says what to fix. Ends with 1 where something needs fixing."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for finding in findings():
            mark = self.style.ERROR("fix ") if finding.fix else self.style.SUCCESS("ok  ")
            self.stdout.write(f"{mark} {finding.subject}: {finding.state}")
            if finding.fix:
                self.stdout.write(f"     → {finding.fix}")
                wrong += 1
        self.stdout.write(f"{wrong} to fix." if wrong else "All is well.")
        if wrong:
            sys.exit(1)
