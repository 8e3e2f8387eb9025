"""Configuration of gunicorn, read by it from this file: gunicorn's own names."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings

from hitl_project import garbage
from hitl_project.stack.processes import dying_with

wsgi_app = "hitl_project.wsgi:application"
worker_class = "gthread"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
timeout = 60
graceful_timeout = 6
keepalive = 5
max_requests = 20_000
max_requests_jitter = 4_000
loglevel = "warning"
proc_name = "countersign-web"
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - heartbeat files of gunicorn, in memory
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    """A web worker does not outlive its master."""
    dying_with(server.pid)()


def post_worker_init(worker: Any) -> None:
    garbage.calm()
