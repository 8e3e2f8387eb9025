"""The environment a start reads: defaults that work, and one clear line for what does not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHOW = """
import json, sys
from hitl_project import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def start(data_dir: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DATA_DIR": str(data_dir), **environ}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, check=False
    )


def settings(data_dir: Path, *names: str, **environ: str) -> list[object]:
    done = start(data_dir, "-c", SHOW, *names, **environ)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout).values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_WORKERS", "many"),
        ("RQ_WORKERS", "0"),
        ("PORT", "70000"),
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgresql://host:port/name"),
        ("REDIS_URL", "http://host"),
        ("LOG_FORMAT", "xml"),
        ("LLM_BASE_URL", "ftp://models"),
        ("EMAIL_URL", "pigeon://roof"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FILE", "/nowhere/at/all"),
        ("SENTRY_DSN", "dsn"),
        ("OIDC_SERVER_URL", "https://id.example"),
        ("CSRF_TRUSTED_ORIGINS", "desk.example"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("DATA_DIR", "/proc/nowhere"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    done = start(tmp_path, "-c", "import hitl_project.settings", **{name: value})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Countersign cannot start: ")
    assert name in done.stderr


def test_manage_py_shows_the_same_line_and_no_traceback(tmp_path: Path) -> None:
    done = start(tmp_path, "manage.py", "check", WEB_WORKERS="many")
    assert done.returncode == 1
    assert done.stderr == "Countersign cannot start: WEB_WORKERS must be a whole number from 1 to 128, not 'many'.\n"


def test_a_refused_address_never_repeats_its_password(tmp_path: Path) -> None:
    done = start(tmp_path, "-c", "import hitl_project.settings", DATABASE_URL="mysql://user:hunter2@host/name")
    assert "hunter2" not in done.stderr


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    assert settings(tmp_path, "SECRET_KEY", SECRET_KEY_FILE=str(tmp_path / "key")) == ["k" * 40]


def test_the_embedded_default_makes_its_key_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = settings(tmp_path, "SECRET_KEY")
    assert settings(tmp_path, "SECRET_KEY") == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_given_database_needs_a_given_key(tmp_path: Path) -> None:
    done = start(tmp_path, "-c", "import hitl_project.settings", DATABASE_URL="postgresql://host/name")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr
    assert not (tmp_path / "secret_key").exists()


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("PORT=8111\nRQ_WORKERS=7\n")
    assert settings(tmp_path, "PORT", "RQ_WORKERS", ENV_FILE=str(tmp_path / "settings.env"), PORT="8222") == [8222, 7]


def test_redis_listens_in_the_data_directory_unless_its_path_is_too_long_for_a_socket(tmp_path: Path) -> None:
    assert settings(tmp_path, "REDIS_SOCKET") == [str(tmp_path / "redis.sock")]
    (moved,) = settings(tmp_path / ("x" * 120), "REDIS_SOCKET")
    assert len(str(moved)) < 104


def test_an_https_origin_turns_on_what_needs_https(tmp_path: Path) -> None:
    names = ("HTTPS", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert settings(tmp_path, *names) == [False, False, False, False, 0]
    assert settings(tmp_path, *names, CSRF_TRUSTED_ORIGINS="https://desk.example") == [
        True,
        True,
        True,
        True,
        31_536_000,
    ]


def test_single_sign_on_is_off_until_all_three_are_given(tmp_path: Path) -> None:
    assert settings(tmp_path, "OIDC_ENABLED") == [False]
    given = {"OIDC_SERVER_URL": "https://id.example", "OIDC_CLIENT_ID": "desk", "OIDC_CLIENT_SECRET": "s"}
    assert settings(tmp_path, "OIDC_ENABLED", **given) == [True]
    done = start(tmp_path, "manage.py", "check", **given)
    assert done.returncode == 0, done.stderr
