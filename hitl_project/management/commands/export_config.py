"""Prints the present configuration as a file that ``apply_config`` accepts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from hitl_project.configuration.snapshot import as_yaml, snapshot


class Command(BaseCommand):
    help = "Prints case types, policies, queues, webhooks and group members as YAML. Secrets are not in it."

    def handle(self, **_options: Any) -> None:
        self.stdout.write(as_yaml(snapshot()), ending="")
