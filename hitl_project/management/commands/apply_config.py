"""Makes case types, policies, queues, webhooks and group members as a YAML file says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from hitl_project.configuration import applying, reading


class Command(BaseCommand):
    help = "Applies a configuration file and prints what changed. What the file does not mention is left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.yaml")
        parser.add_argument("--dry-run", action="store_true", help="print what would change and change nothing")

    def handle(self, *, file: Path, dry_run: bool, **_options: Any) -> None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise CommandError(_("%(file)s cannot be read: %(why)s") % {"file": file, "why": error.strerror}) from None
        reason = f"{file.name} (sha256 {hashlib.sha256(content).hexdigest()[:12]})"
        try:
            changes, notices = applying.apply(reading.read(content), origin="command", reason=reason, dry_run=dry_run)
        except reading.ConfigurationError as error:
            lines = "\n".join(f"{file}: {problem}" for problem in error.problems)
            raise CommandError(lines + "\n" + _("Nothing was changed.")) from None
        self.stdout.write("\n".join([*map(str, changes), *notices, self._summary(len(changes), dry_run=dry_run)]))

    def _summary(self, count: int, *, dry_run: bool) -> str:
        if not count:
            return _("No changes.")
        text = _("%(count)d would change.") if dry_run else _("%(count)d changed.")
        return text % {"count": count}
