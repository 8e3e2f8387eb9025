"""Reads settings from the environment. A wrong value stops the start with one line that names it, never a traceback."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import load_dotenv
from environs import Env, EnvError

LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes on Linux, 103 on macOS
SHORTEST_SECRET_KEY = 32


def stop(name: str, why: str) -> NoReturn:
    """End the process with one line. SystemExit, because Django would swallow an ImproperlyConfigured here."""
    raise SystemExit(f"Countersign cannot start: {name} {why}")


class Environment:
    """Typed look-ups, each with a default; ``None`` or an empty text counts as unset."""

    def __init__(self, dotenv: Path | None) -> None:
        if dotenv is not None and dotenv.is_file():
            load_dotenv(dotenv)  # what the environment itself says wins
        self._env = Env()

    def given(self, name: str) -> bool:
        return bool(os.environ.get(name, "").strip())

    def text(self, name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
        value = os.environ[name].strip() if self.given(name) else default
        if choices and value not in choices:
            stop(name, f"must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def number(self, name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
        value: int = self._read(self._env.int, name, default, f"must be a whole number from {low} to {high}")
        if not low <= value <= high:
            stop(name, f"must be a whole number from {low} to {high}, not {value}.")
        return value

    def amount(self, name: str) -> float | None:
        """A number from 0 that may have decimals; None where it is unset."""
        rule = "must be a number from 0, such as 28.50"
        value: float | None = self._read(self._env.float, name, None, rule)
        if value is not None and not 0 <= value < float("inf"):
            stop(name, f"{rule}, not {value!r}.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value: bool = self._read(self._env.bool, name, default, "must be on or off")
        return value

    def listing(self, name: str, default: list[str]) -> list[str]:
        """Values separated by commas."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()] if self.given(name) else default

    def secret(self, name: str, default: str = "") -> str:
        """The value of ``name``, or the content of the file that ``name_FILE`` points at."""
        if self.given(name) or not self.given(f"{name}_FILE"):
            return self.text(name, default)
        path = Path(self.text(f"{name}_FILE"))
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            stop(f"{name}_FILE", f"cannot be read: {path} ({getattr(error, 'strerror', None) or 'not a text'}).")

    def address(self, name: str, default: str = "", *, schemes: tuple[str, ...]) -> str:
        """A URL of one of ``schemes``. The value may hold a password, so a refusal never repeats it."""
        value = self.secret(name, default)
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            stop(name, "is not a valid URL.")
        if value and parts.scheme not in schemes:
            stop(name, f"must be a URL that starts with {', '.join(f'{scheme}://' for scheme in schemes)}.")
        return value

    def parsed(self, name: str, value: str, parse: Callable[[str], Any]) -> dict[str, Any]:
        """What ``parse`` makes of a value already read; its complaint, without the value, stops the start."""
        try:
            return dict(parse(value))
        except (ValueError, KeyError, TypeError):
            stop(name, "is not a valid URL.")

    def _read(self, reader: Any, name: str, default: Any, rule: str) -> Any:
        if not self.given(name):
            return default
        try:
            return reader(name)
        except EnvError:
            stop(name, f"{rule}, not {os.environ[name]!r}.")


def writable_directory(name: str, path: Path) -> Path:
    """Make the directory where it does not exist, for the owner alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        stop(name, f"cannot be made: {path} ({error.strerror}).")
    if not os.access(path, os.W_OK | os.X_OK):
        stop(name, f"cannot be written: {path}.")
    return path


def kept_secret_key(path: Path) -> str:
    """The key in ``path``, made on the first start. Two processes that start at once end up with the same key."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
        try:
            os.link(draft, path)  # fails where the other process was first; its key stands
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def checked_secret_key(key: str) -> str:
    if len(key) < SHORTEST_SECRET_KEY:
        stop("SECRET_KEY", f"must be set to at least {SHORTEST_SECRET_KEY} characters (or SECRET_KEY_FILE to a file).")
    return key


def checked_time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        stop("TIME_ZONE", f"must be a name such as Europe/Madrid, not {name!r}.")


def redis_socket(data_dir: Path) -> Path:
    """Where the embedded Redis listens: in the data directory, or, where that path is too long, in a private temporary one."""
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"countersign-{os.getuid()}-{digest}" / "redis.sock"


def socket_url(path: Path) -> str:
    return f"unix://{quote(str(path))}?db=0"


def with_timeouts(url: str, *, connect: int, answer: int) -> str:
    """The same Redis URL with socket time-outs in seconds, unless it names its own."""
    address, _, query = url.partition("?")
    options = {"socket_connect_timeout": str(connect), "socket_timeout": str(answer), **dict(parse_qsl(query))}
    return f"{address}?{urlencode(options)}"


def origins(url: str) -> list[str]:
    """Where a form may lead that ends at this address: a browser holds the whole way there against the policy."""
    parts = urlsplit(url)
    return [f"{parts.scheme}://{parts.netloc}"] if url else []


def sign_in_providers(*, server_url: str, client_id: str, client_secret: str, name: str) -> dict[str, Any]:
    """allauth's provider settings; nothing unless all three are given."""
    if not (server_url and client_id and client_secret):
        return {}
    app = {"provider_id": "oidc", "name": name, "client_id": client_id, "secret": client_secret}
    return {"openid_connect": {"APPS": [{**app, "settings": {"server_url": server_url}}]}}
