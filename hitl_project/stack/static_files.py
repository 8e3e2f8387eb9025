"""Whether static files have to be collected anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings


def are_stale() -> bool:
    """Whether anything is newer than what was collected."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    return not manifest.exists() or manifest.stat().st_mtime < max(_ages())


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
