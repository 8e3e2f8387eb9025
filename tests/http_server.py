"""A real HTTP server on a free port of this machine, whose behaviour a test chooses per request."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


Behaviour = Callable[[BaseHTTPRequestHandler, Received], None]


class Receiver:
    """The running server: ``url``, what it ``received``, and the ``behaviour`` of the next request, which may be changed."""

    def __init__(self, behaviour: Behaviour, *, certificate: Path | None = None) -> None:
        self.behaviour = behaviour
        self.received: list[Received] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            request = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.received.append(request)
            try:
                receiver.behaviour(self, request)
            except OSError:  # the caller hung up, which some tests want
                self.close_connection = True

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def receiver(behaviour: Behaviour, *, certificate: Path | None = None) -> Iterator[Receiver]:
    """A server for the length of a with block."""
    running = Receiver(behaviour, certificate=certificate)
    try:
        yield running
    finally:
        running.close()


def answering(status: int = 200, body: bytes = b"ok", **headers: str) -> Behaviour:
    """Answer every request the same way; an underscore in a header's name stands for a hyphen."""

    def behave(handler: BaseHTTPRequestHandler, request: Received) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def dripping(*, head: bool = True, interval: float = 0.1) -> Behaviour:
    """Send a byte now and then for a minute: of the head, or of the body after a complete head."""

    def behave(handler: BaseHTTPRequestHandler, request: Received) -> None:
        start = b"HTTP/1.1 200 OK\r\nx-slow: " if head else b"HTTP/1.1 200 OK\r\ncontent-length: 600\r\n\r\n"
        handler.wfile.write(start)
        for _ in range(600):
            handler.wfile.write(b"a")
            time.sleep(interval)

    return behave


def bombing(megabytes: int = 200) -> Behaviour:
    """Answer with a small compressed body that unpacks to very much."""
    packed = gzip.compress(b"\0" * (megabytes << 20), compresslevel=1)
    return answering(200, packed, content_encoding="gzip")


def flooding() -> Behaviour:
    """Answer with a body that never ends, as fast as it goes."""

    def behave(handler: BaseHTTPRequestHandler, request: Received) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 65_536)

    return behave


def hanging_up(handler: BaseHTTPRequestHandler, request: Received) -> None:
    """Take the request and close without a word: the answer that got lost."""
    handler.close_connection = True


def silent(handler: BaseHTTPRequestHandler, request: Received) -> None:
    """Never answer."""
    time.sleep(60)
