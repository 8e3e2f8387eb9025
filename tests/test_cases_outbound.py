"""Calls that leave, against real sockets: deadlines, redirects, bombs, and addresses that may not be called."""

from __future__ import annotations

import datetime as dt
import socket
import time
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cases.outbound import OutboundError, Reply, parse_retry_after, post, require_success
from tests.http_server import (
    Behaviour,
    answering,
    bombing,
    dripping,
    flooding,
    hanging_up,
    receiver,
    silent,
)


def send(url: str, *, seconds: float = 5, max_read: int = 1024, body: bytes = b"{}", private: bool = True) -> Reply:
    return post(url, body=body, headers={}, timeout_total=seconds, allow_private=private, max_read=max_read)


def failure(act: Callable[[], Any]) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        act()
    return caught.value


def test_an_answer_comes_back_with_status_headers_and_body() -> None:
    with receiver(answering(202, b"thanks", X_Kind="test")) as server:
        reply = send(f"{server.url}/hooks?a=1", body=b'{"a": 1}')
    assert (reply.status, reply.body, reply.truncated) == (202, b"thanks", False)
    assert reply.headers["x-kind"] == "test"
    request = server.received[0]
    assert (request.path, request.body) == ("/hooks?a=1", b'{"a": 1}')
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("behaviour", [dripping(head=True), dripping(head=False), silent])
def test_a_receiver_cannot_stretch_the_deadline(behaviour: Behaviour) -> None:
    with receiver(behaviour) as server:
        started = time.monotonic()
        error = failure(lambda: send(server.url, seconds=0.7))
    assert time.monotonic() - started < 1.5
    assert not error.permanent
    assert "0.7 seconds" in str(error)


def test_a_receiver_that_never_reads_cannot_hold_the_sender() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = time.monotonic()
        failure(lambda: send(url, seconds=0.7, body=b"x" * 30_000_000))
    assert time.monotonic() - started < 1.5


def test_a_compressed_bomb_is_not_unpacked() -> None:
    with receiver(bombing(50)) as server:
        reply = send(server.url)
    assert len(reply.body) == 1024
    assert reply.truncated


def test_an_endless_body_is_cut_at_the_limit() -> None:
    with receiver(flooding()) as server:
        started = time.monotonic()
        reply = send(server.url, max_read=100)
    assert len(reply.body) == 100
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(status: int) -> None:
    with receiver(answering(200)) as goal, receiver(answering(status, location=goal.url)) as server:
        error = failure(lambda: send(server.url))
    assert error.status == status
    assert not error.permanent
    assert goal.received == []


def test_a_lost_answer_may_be_tried_again() -> None:
    with receiver(hanging_up) as server:
        error = failure(lambda: send(server.url))
    assert (error.permanent, error.status) == (False, None)


def test_a_closed_port_may_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert not failure(lambda: send(url)).permanent


def test_a_header_with_a_line_break_is_not_sent() -> None:
    with receiver(answering()) as server:
        error = failure(
            lambda: post(server.url, body=b"", headers={"x": "a\r\nb: c"}, timeout_total=2, allow_private=True)
        )
    assert error.permanent
    assert server.received == []


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (401, True), (404, True), (410, True), (429, False), (500, False)]
)
def test_a_bad_status_says_whether_to_try_again(status: int, permanent: bool) -> None:
    with receiver(answering(status, retry_after="7")) as server:
        reply = send(server.url)
    error = failure(lambda: require_success(reply))
    assert (error.status, error.permanent, error.gone, error.retry_after) == (status, permanent, status == 410, 7.0)


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    assert parse_retry_after("120") == 120
    assert parse_retry_after(format_datetime(later, usegmt=True)) == pytest.approx(100, abs=2)
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert parse_retry_after("999999999") == 86_400
    for nonsense in ("", "soon", "-5", "1e400", "nan", "²"):
        assert parse_retry_after(nonsense) is None


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def lookup(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        found = addresses if host.endswith(".example") else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize("hidden", ["127.0.0.1", "10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "64:ff9b::a00:1"])
def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    resolving(monkeypatch, "93.184.216.34", hidden)
    error = failure(lambda: send("http://rebound.example/", private=False))
    assert error.permanent
    assert "rebound.example" in str(error)


def test_a_name_that_does_not_resolve_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(host: str, port: int, **options: Any) -> list[Any]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert not failure(lambda: send("http://nowhere.example/")).permanent


def test_a_slow_resolver_cannot_stretch_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        time.sleep(3)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    started = time.monotonic()
    failure(lambda: send("http://slow.example/", seconds=0.5))
    assert time.monotonic() - started < 1.5


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_the_connection_is_pinned_while_host_and_certificate_keep_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem = certificate(tmp_path, "crm.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    resolving(monkeypatch, "127.0.0.1")
    with receiver(answering(), certificate=pem) as server:
        assert send(f"https://crm.example:{server.port}/").status == 200
        assert server.received[0].headers["host"] == f"crm.example:{server.port}"
        error = failure(lambda: send(f"https://other.example:{server.port}/"))
    assert "certificate" in str(error).lower()
    assert len(server.received) == 1
