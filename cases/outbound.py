"""The one door for HTTP that leaves: a total deadline, no redirects, a bounded answer, and no private addresses.

It stands on httpcore2, the transport beneath httpx2, because only there can the connection be pinned to the checked
address while the Host header, SNI and the certificate check keep the name.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpcore2
from django.utils.translation import gettext as _

from cases.addresses import RefusedUrl, Target, check_address, check_url, parse_target

__all__ = ["OutboundError", "RefusedUrl", "Reply", "check_url", "parse_retry_after", "post", "require_success"]

SUCCESS, REDIRECT, CLIENT_ERROR = 2, 3, 4  # the hundreds of a status
MAX_RETRY_AFTER = 86_400.0
# Answers in the 400s that may differ next time: time-out, conflict, locked, too early, too many.
PASSING = frozenset({408, 409, 423, 425, 429})
FIXED_HEADERS = {"user-agent": "Countersign/1", "accept-encoding": "identity", "connection": "close"}


class OutboundError(Exception):
    """Something that should have left did not arrive.

    ``permanent``: trying the same again is pointless. ``retry_after``: seconds the receiver asked us to wait.
    ``status``: the HTTP status, if there was an answer. ``gone``: the receiver said 410, send nothing there again.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.status = status

    @property
    def gone(self) -> bool:
        return self.status == HTTPStatus.GONE


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. Header names are lower case; ``body`` is as sent, cut at the caller's limit (``truncated``)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int
    truncated: bool = False


class Deadline:
    """The moment by which a whole exchange must be over, whatever the other side does. Seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left. Raises: OutboundError when there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> OutboundError:
        return OutboundError(_("No complete answer within %(seconds)g seconds.") % {"seconds": self.seconds})


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout_total: float,
    allow_private: bool,
    max_read: int = 1024,
) -> Reply:
    """POST and read at most ``max_read`` bytes of the answer, all within ``timeout_total`` seconds.

    Any status but a redirect is a Reply; see ``require_success``. Nothing is decompressed and no proxy is used.
    Raises: OutboundError on a refused address, a time-out, a broken connection or a redirect.
    """
    started, deadline = time.monotonic(), Deadline(timeout_total)
    try:
        target = parse_target(url, allow_private=allow_private)
    except RefusedUrl as refused:
        raise OutboundError(str(refused), permanent=True) from None
    with (
        _plain_errors(deadline),
        _pool(target, deadline, allow_private=allow_private) as pool,
        pool.stream("POST", target.url, headers=_headers(headers), content=body) as response,
    ):
        content, truncated = _read(response, max_read)
    elapsed_ms = round((time.monotonic() - started) * 1000)
    reply = Reply(response.status, _lower(response.headers), content, elapsed_ms, truncated)
    return _no_redirect(reply)


def require_success(reply: Reply) -> Reply:
    """The same reply if its status is 2xx. Raises: OutboundError, permanent where the receiver will not change its mind."""
    if reply.status // 100 == SUCCESS:
        return reply
    raise OutboundError(
        _("The receiver answered with status %(status)d.") % {"status": reply.status},
        permanent=reply.status // 100 == CLIENT_ERROR and reply.status not in PASSING,
        retry_after=parse_retry_after(reply.headers.get("retry-after", "")),
        status=reply.status,
    )


def parse_retry_after(value: str) -> float | None:
    """Seconds to wait, from a number or a date, at most a day; None when it says nothing we understand."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", value):
        return min(float(value), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER)


def _no_redirect(reply: Reply) -> Reply:
    if reply.status // 100 == REDIRECT:
        message = _("The receiver answered with a redirect (%(status)d); redirects are not followed.")
        raise OutboundError(message % {"status": reply.status}, status=reply.status)
    return reply


def _headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    merged = FIXED_HEADERS | {name.lower(): value for name, value in headers.items()}
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in merged.items()]


def _lower(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _read(response: httpcore2.Response, limit: int) -> tuple[bytes, bool]:
    """The first ``limit`` bytes, and whether there was more. Whatever follows stays unread: the connection is closed."""
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > limit:
            return bytes(content[:limit]), True
    return bytes(content), False


@contextmanager
def _plain_errors(deadline: Deadline) -> Iterator[None]:
    """Turn whatever the transport raises into an OutboundError that says what happened in plain words."""
    try:
        yield
    except OutboundError:
        raise
    except (httpcore2.TimeoutException, TimeoutError):
        raise deadline.passed() from None
    except ssl.SSLError as error:
        raise OutboundError(_("The TLS connection failed: %(error)s") % {"error": error.reason}) from None
    except (httpcore2.LocalProtocolError, UnicodeError) as error:
        raise OutboundError(_("The request cannot be sent: %(error)s") % {"error": error}, permanent=True) from None
    except (httpcore2.ProtocolError, httpcore2.NetworkError, OSError) as error:
        raise OutboundError(_("The connection failed: %(error)s") % {"error": str(error)[:200]}) from None


@contextmanager
def _pool(target: Target, deadline: Deadline, *, allow_private: bool) -> Iterator[httpcore2.ConnectionPool]:
    network = PinnedNetwork(deadline, allow_private=allow_private)
    context = tls_context(os.environ.get("SSL_CERT_FILE", "")) if target.url.startswith("https:") else None
    with httpcore2.ConnectionPool(ssl_context=context, max_connections=1, network_backend=network) as pool:
        yield pool


@functools.lru_cache(maxsize=4)
def tls_context(ca_file: str) -> ssl.SSLContext:
    """Loading the certificates costs milliseconds: once per process (and per SSL_CERT_FILE, which the key names)."""
    return httpcore2.default_ssl_context()


class PinnedNetwork(httpcore2.NetworkBackend):
    """Resolves, checks every address, and connects to exactly what it checked."""

    def __init__(self, deadline: Deadline, *, allow_private: bool) -> None:
        self.deadline = deadline
        self.allow_private = allow_private
        self.backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._checked(host.strip("[]"), port)
        last: Exception | None = None
        for position, address in enumerate(addresses):
            share = self.deadline.left() / (len(addresses) - position)
            try:
                return TimedStream(self.backend.connect_tcp(address, port, timeout=share), self.deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last or httpcore2.ConnectError("no address")

    def _checked(self, host: str, port: int) -> list[str]:
        addresses = resolve(host, port, self.deadline)
        for address in addresses:
            try:
                check_address(ipaddress.ip_address(address.partition("%")[0]), allow_private=self.allow_private)
            except RefusedUrl as refused:
                raise OutboundError(f"{host}: {refused}", permanent=True) from None
        return addresses


def resolve(host: str, port: int, deadline: Deadline) -> list[str]:
    """Every address of a host, in order, without repeats. In a thread, because a resolver knows no deadline."""
    answers: queue.Queue[list[str] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answers.put(OSError(str(error)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise deadline.passed() from None
    if isinstance(answer, OSError):
        raise OutboundError(_("%(host)s cannot be resolved.") % {"host": host})
    return answer


class TimedStream(httpcore2.NetworkStream):
    """A connection on which every step gets only what is left of the whole deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, timeout=self.deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # The wrapped stream grants every partial send its full time-out again; this loop does not.
        sock: socket.socket = self.stream.get_extra_info("socket")
        view = memoryview(buffer)
        while view:
            sock.settimeout(self.deadline.left())
            try:
                view = view[sock.send(view) :]
            except TimeoutError as error:
                raise httpcore2.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore2.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return TimedStream(
            self.stream.start_tls(ssl_context, server_hostname, timeout=self.deadline.left()), self.deadline
        )

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
