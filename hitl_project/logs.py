"""Structured logs: one line per event, for people (``console``) or machines (``json``)."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

DETAIL = re.compile(r"DETAIL: .*?(?=\n\n|\Z)", re.DOTALL)
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
# One list for the whole process: a logger that was used before keeps it, whoever sets up the logs again.
PROCESSORS: list[Any] = [
    structlog.stdlib.filter_by_level,
    *SHARED,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def configuration(*, fmt: str, level: str) -> dict[str, Any]:
    """Django's LOGGING; sets structlog up on the way, so that both write the same lines."""
    structlog.configure(
        processors=PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(fmt)],
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": level},
            "django.server": {"handlers": [], "propagate": True},
            # RQ writes a line per job and attaches a handler of its own where it finds none.
            "rq": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "rq.worker": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "rq.cron": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "axes": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
        },
    }


def _renderer(fmt: str) -> list[Any]:
    traces = [structlog.processors.format_exc_info, without_rows]
    if fmt == "json":
        return [*traces, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [*traces, structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]


def without_rows(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """PostgreSQL quotes the whole row in the detail of an error; that is content, and logs outlive its erasure."""
    if isinstance(event.get("exception"), str):
        event["exception"] = DETAIL.sub("DETAIL: (left out)", event["exception"])
    return event


def report_errors(dsn: str) -> None:
    """Send errors to Sentry where an address is given. Personal data and request bodies stay here."""
    if not dsn:
        return
    import sentry_sdk

    sentry_sdk.init(dsn=dsn, send_default_pii=False, max_request_body_size="never", include_local_variables=False)
    logging.getLogger(__name__).debug("error reports are on")
