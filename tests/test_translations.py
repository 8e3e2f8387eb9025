"""Every text that a person may read is there in Spanish, and the compiled catalogue is the one that was written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.conf import settings

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "es" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w*\}")
SOURCES = ("cases", "review", "feedback", "metrics", "hitl_project", "templates")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def test_no_text_is_left_untranslated_or_doubtful(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


def test_every_placeholder_is_kept(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue if not _keeps_placeholders(entry)] == []


def _keeps_placeholders(entry: polib.POEntry) -> bool:
    known = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
    needed = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    text = entry.msgstr_plural[1] if entry.msgid_plural else entry.msgstr
    return needed <= set(PLACEHOLDER.findall(text)) <= known


def test_what_is_compiled_is_what_was_written(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    written = {(entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in catalogue}
    assert {(entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in compiled} == written


def test_the_catalogue_knows_every_text_of_the_code(catalogue: polib.POFile, tmp_path: Path) -> None:
    if shutil.which("xgettext") is None:
        pytest.skip("gettext's tools are not installed, so the texts of the code cannot be collected")
    for name in SOURCES:
        shutil.copytree(Path(settings.BASE_DIR) / name, tmp_path / name, ignore=shutil.ignore_patterns("static"))
    (tmp_path / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "es", "--no-location", "--no-wrap"]
    environment = {"PATH": str(Path(shutil.which("xgettext") or "").parent), "LC_ALL": "C.UTF-8"}
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)
    collected = polib.pofile(str(tmp_path / "locale" / "es" / "LC_MESSAGES" / "django.po"))
    known = {(entry.msgctxt, entry.msgid) for entry in catalogue}
    assert [entry.msgid for entry in collected if (entry.msgctxt, entry.msgid) not in known] == []
