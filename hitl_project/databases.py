"""How the two databases are spoken to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000;"
)


def configured(parsed: dict[str, Any], *, data_dir: Path, statement_seconds: int) -> dict[str, Any]:
    """Django's DATABASES entry. Connections are kept, checked before use, and never wrapped in a transaction per request."""
    common = {"ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if parsed["ENGINE"].endswith("sqlite3"):
        # A file for tests too: a database in memory has no second writer that has to wait.
        test = {"NAME": str(data_dir / "test.sqlite3")}
        return {**parsed, **common, "OPTIONS": _sqlite(), "TEST": test}
    return {**parsed, **common, "OPTIONS": _postgresql(statement_seconds) | parsed.get("OPTIONS", {})}


def _sqlite() -> dict[str, Any]:
    """Writers queue at BEGIN for up to 10 s instead of failing in the middle; readers never wait."""
    return {"transaction_mode": "IMMEDIATE", "timeout": 10, "init_command": SQLITE_PRAGMAS}


def _postgresql(statement_seconds: int) -> dict[str, Any]:
    limits = {
        "statement_timeout": f"{statement_seconds}s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
        # Small tables are hardly ever analysed; what the planner makes of them sets off a compiler slower than the query.
        "jit": "off",
    }
    return {
        "connect_timeout": 3,
        "application_name": "countersign",
        "keepalives_idle": 30,
        "tcp_user_timeout": 20_000,
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
    }
