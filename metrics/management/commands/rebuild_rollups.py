from __future__ import annotations

from django.core.management.base import BaseCommand

from metrics import rollup


class Command(BaseCommand):
    help = "Sum every hour of the reports again from the base tables."

    def handle(self, *args: object, **options: object) -> None:
        count = rollup.rebuild()
        self.stdout.write(self.style.SUCCESS(f"{count} hours summed."))
