"""What a stack consists of: the one list of its processes."""

from __future__ import annotations

import sys
from pathlib import Path

from django.conf import settings

from hitl_project.stack import redis_server, web
from hitl_project.stack.supervisor import Child


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def redis() -> Child:
    socket = settings.REDIS_SOCKET
    return Child(
        name="redis",
        command=redis_server.command(socket, settings.DATA_DIR),
        before=lambda: redis_server.clear(socket, settings.REDIS_URL),
        last=True,
    )


def website(listener: int) -> Child:
    """The web server, on a socket that the supervisor holds: callers wait while it starts anew, and lose nothing."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(Path(web.__file__)), "--bind", f"fd://{listener}"]
    return Child(name="web", command=gunicorn, pass_fds=(listener,))


def workers() -> list[Child]:
    pipeline = [_worker("pipeline", f"worker-pipeline-{number + 1}") for number in range(settings.RQ_WORKERS)]
    return [*pipeline, _worker("effects", "worker-effects"), _worker("learning", "worker-learning")]


def scheduler() -> Child:
    return Child(name="scheduler", command=manage("schedule"))


def live_cases() -> Child:
    return Child(name="demo-feed", command=manage("feed_demo"))


def _worker(queue: str, name: str) -> Child:
    # One queue per worker: a worker on two can lose a job between them.
    return Child(name=name, command=manage("rqworker", queue, "--worker-ttl", "60", "--verbosity", "0"))
