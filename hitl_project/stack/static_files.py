"""Static files, collected when they are older than what they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import structlog
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

logger = structlog.get_logger("stack")


def collect() -> None:
    """Copy, compress and name by content; a second start finds nothing to do."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and manifest.stat().st_mtime >= max(_ages()):
        return
    logger.info("collecting_static_files")
    call_command("collectstatic", interactive=False, verbosity=0)


def _ages() -> Iterator[float]:
    """Times of change: of our own files one by one, of other people's packages by their directory."""
    yield Path(__file__).stat().st_mtime
    for config in apps.get_app_configs():
        folder = Path(config.path) / "static"
        if not folder.is_dir():
            continue
        yield folder.stat().st_mtime
        if settings.BASE_DIR in folder.parents and ".venv" not in folder.parts:
            yield from (path.stat().st_mtime for path in folder.rglob("*"))
    for folder in map(Path, settings.STATICFILES_DIRS):
        yield from (path.stat().st_mtime for path in folder.rglob("*"))
