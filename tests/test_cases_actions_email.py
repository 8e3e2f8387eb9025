"""Mail as an action, over a real SMTP conversation and in memory."""

from __future__ import annotations

import email
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from email.message import Message
from typing import Any

import pytest
from django.core import mail

from cases.actions.base import Delivery
from cases.actions.email import EmailAction
from tests.test_cases_actions import delivery, failure


class MailServer:
    """A small SMTP server: keeps what it gets, refuses with ``code`` at RCPT, or drips its greeting."""

    def __init__(self, *, code: int = 250, drips: bool = False) -> None:
        self.code = code
        self.drips = drips
        self.messages: list[Message] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the waiting accept, which keeps the port open
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            with client:
                try:
                    self._talk(client)
                except OSError:
                    continue

    def _talk(self, client: socket.socket) -> None:
        while self.drips:
            client.sendall(b"220-wait\r\n")
            time.sleep(0.1)
        client.sendall(b"220 here\r\n")
        lines = client.makefile("rb")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                client.sendall(b"354 go\r\n")
                self.messages.append(email.message_from_bytes(b"".join(iter(lines.readline, b".\r\n"))))
            client.sendall(b"%d x\r\n" % (self.code if verb == b"RCPT" else 221 if verb == b"QUIT" else 250))


@contextmanager
def mail_server(settings: Any, **options: Any) -> Iterator[MailServer]:
    server = MailServer(**options)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    try:
        yield server
    finally:
        server.close()


def letter(**options: Any) -> Delivery:
    return delivery(options={"to": "desk@shop.example", **options})


def sent(*deliveries: Delivery) -> Sequence[mail.EmailMessage]:
    for each in deliveries:
        EmailAction(sender="us@shop.example").deliver(each)
    return mail.outbox


@pytest.fixture
def outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []


def test_a_message_arrives_over_smtp(settings: Any) -> None:
    with mail_server(settings) as server:
        receipt = EmailAction(sender="us@shop.example").deliver(
            letter(subject="Case {id}", text="Label: {output.label}")
        )
    message = server.messages[0]
    assert message["Subject"] == "Case 7"
    assert message["To"] == "desk@shop.example"
    assert str(message.get_payload()).strip() == "Label: refund"
    assert "1" in receipt.detail


@pytest.mark.parametrize(("code", "permanent"), [(550, True), (451, False)])
def test_a_refused_recipient_is_final_only_when_the_server_says_so(settings: Any, code: int, permanent: bool) -> None:
    with mail_server(settings, code=code):
        assert failure(lambda: EmailAction().deliver(letter())).permanent is permanent


def test_a_mail_server_that_drips_cannot_hold_the_worker(settings: Any) -> None:
    with mail_server(settings, drips=True):
        started = time.monotonic()
        error = failure(lambda: EmailAction(timeout=0.7).deliver(letter()))
    assert time.monotonic() - started < 1.5
    assert not error.permanent


def test_a_mail_server_that_is_away_is_tried_again(settings: Any) -> None:
    with mail_server(settings) as server:
        pass
    assert server.messages == []
    assert not failure(lambda: EmailAction(timeout=2).deliver(letter())).permanent


@pytest.mark.usefixtures("outbox")
def test_every_try_has_the_same_message_id_and_another_effect_another() -> None:
    first, again, other = sent(letter(), letter(), replace(letter(), key="case-8-v1"))
    ids = [message.extra_headers["Message-ID"] for message in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@shop.example>")


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00"])
def test_a_subject_cannot_smuggle_headers(break_: str) -> None:
    hostile = {"title": f"Hi{break_}Bcc: all@evil.example"}
    message = sent(replace(letter(subject="{title}"), body=hostile))[0]
    raw = message.message()
    assert raw["Bcc"] is None
    assert message.recipients() == ["desk@shop.example"]
    assert "\n" not in message.subject


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(
    "address",
    ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "nobody", "", "a@b.example\x00", "<a@b.example>"],
)
def test_a_wrong_recipient_from_a_case_is_refused_for_good(address: str) -> None:
    error = failure(lambda: sent(replace(letter(to="{from}"), body={"from": address})))
    assert error.permanent
    assert mail.outbox == []


@pytest.mark.usefixtures("outbox")
def test_no_recipient_or_too_many_are_refused_for_good() -> None:
    for wanted in (None, [], "", 5, [f"a{n}@b.example" for n in range(21)]):
        assert failure(lambda wanted=wanted: sent(letter(to=wanted))).permanent  # type: ignore[misc]


@pytest.mark.usefixtures("outbox")
def test_values_are_put_in_once_and_odd_placeholders_stay() -> None:
    body = {"a": "{b}", "b": "secret", "deep": {"list": [1, 2]}}
    text = "{a} {deep.list} {missing} {a.b.c} {__class__} {0[x]} {a!r}"
    message = sent(replace(letter(text=text), body=body))[0]
    assert message.body == "{b} [1, 2]    {0[x]} {a!r}"


@pytest.mark.usefixtures("outbox")
def test_without_a_text_the_body_is_shown_readably() -> None:
    message = sent(letter())[0]
    assert '"label": "refund"' in message.body
    assert "Grüße" in message.body
    assert message.subject == "case.decided"
