"""The doctor says what is wrong and what to do about it."""

from __future__ import annotations

from pathlib import Path

import django_rq
import pytest
from django.conf import settings as project
from django.core.management import call_command
from pytest_django import Settings

from hitl_project import doctor
from hitl_project.workers import alive_key

pytestmark = pytest.mark.django_db(transaction=True)


def fixes() -> dict[str, str]:
    return {finding.subject: finding.fix for finding in doctor.findings() if finding.fix}


@pytest.fixture
def healthy(redis: None, settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").touch()
    for queue in project.RQ_QUEUES:
        django_rq.get_connection(queue).set(alive_key(queue), "1", ex=15)


@pytest.mark.postgres_too
@pytest.mark.usefixtures("healthy")
def test_a_healthy_installation_has_nothing_to_fix(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor")
    assert "All is well." in capsys.readouterr().out


@pytest.mark.usefixtures("healthy")
def test_each_fault_comes_with_its_remedy(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    django_rq.get_connection("effects").delete(alive_key("effects"))
    settings.HOST, settings.DEBUG, settings.STATIC_ROOT = "desk.example", True, tmp_path / "nothing"
    assert set(fixes()) == {"Workers", "Static files", "HTTPS", "Debug mode"}
    with pytest.raises(SystemExit) as ending:
        call_command("doctor")
    assert ending.value.code == 1
    assert "4 to fix." in capsys.readouterr().out


@pytest.mark.usefixtures("healthy")
def test_a_redis_that_is_away_is_named_once(settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere.sock"
    assert set(fixes()) == {"Redis"}
