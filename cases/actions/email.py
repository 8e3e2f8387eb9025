"""Mail through Django's mail settings: plain text, one deadline for the whole exchange, and a Message-ID from the key.

``options``: ``to`` (one address or a list), ``subject`` and ``text``. They may name values of the body in braces, as in
``Case {id}: {output.label}``. Values are put in once and never read again as templates.
"""

from __future__ import annotations

import hashlib
import json
import queue
import re
import smtplib
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from cases.actions.base import Delivery, Receipt
from cases.outbound import OutboundError

TIMEOUT = 12.0
MAX_SUBJECT, MAX_TEXT, MAX_RECIPIENTS = 200, 100_000, 20
PLACE = re.compile(r"\{([\w.-]{1,200})\}")
PERMANENT_REPLY = 500


class EmailAction:
    """Sends one message per delivery. ``timeout`` in seconds covers connecting, greeting and sending together."""

    def __init__(self, *, timeout: float = TIMEOUT, sender: str = "") -> None:
        self.timeout = timeout
        self.sender = sender

    def deliver(self, delivery: Delivery) -> Receipt:
        started = time.monotonic()
        message = message_of(delivery, sender=self.sender or settings.DEFAULT_FROM_EMAIL)
        _send(message, self.timeout)
        elapsed = round((time.monotonic() - started) * 1000)
        return Receipt(None, _("handed to the mail server for %(n)d recipients") % {"n": len(message.to)}, elapsed)


def message_of(delivery: Delivery, *, sender: str) -> EmailMessage:
    """The message. Raises: OutboundError, permanent, when an address is wrong or missing."""
    options, body = delivery.options, delivery.body
    subject = filled(str(options.get("subject") or delivery.event), body)
    text = filled(str(options["text"]), body) if options.get("text") else _readable(body)
    return EmailMessage(
        subject=" ".join(_plain(subject).split())[:MAX_SUBJECT],
        body=_plain(text)[:MAX_TEXT],
        from_email=sender,
        to=recipients(options.get("to"), body),
        headers={"Message-ID": message_id(delivery.key, sender), "Auto-Submitted": "auto-generated"},
    )


def recipients(wanted: Any, body: Mapping[str, Any]) -> list[str]:
    """The addresses, each checked after its placeholders are filled. Raises: OutboundError, permanent."""
    entries = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, Sequence) else []
    addresses = list(dict.fromkeys(filled(str(entry), body).strip() for entry in entries))
    if not 0 < len(addresses) <= MAX_RECIPIENTS:
        message = _("An e-mail needs 1 to %(limit)d recipients in the action's option 'to'.")
        raise OutboundError(message % {"limit": MAX_RECIPIENTS}, permanent=True)
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise OutboundError(_("A recipient's address is not valid."), permanent=True) from None
    return addresses


def filled(template: str, body: Mapping[str, Any]) -> str:
    """The template with every ``{path.to.value}`` replaced by the body's value, or by nothing where there is none."""
    return PLACE.sub(lambda match: _found(body, match[1]), template)


def message_id(key: str, sender: str) -> str:
    """The same for every try of one effect, so that mailboxes and people recognise a repeat."""
    domain = re.sub(r"[^A-Za-z0-9.-]", "", sender.rpartition("@")[2]) or "localhost"
    return f"<{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}@{domain}>"


def _found(body: Mapping[str, Any], path: str) -> str:
    value: Any = body
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _readable(body: Mapping[str, Any]) -> str:
    return json.dumps(dict(body), indent=2, ensure_ascii=False, default=str)


def _plain(text: str) -> str:
    """Without NUL and half surrogates, which no mail can carry."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _send(message: EmailMessage, seconds: float) -> None:
    """Send in a thread: a mail server that drips its replies would stretch any time-out of single steps."""
    connection = get_connection(timeout=seconds)
    message.connection = connection
    outcome: queue.Queue[Exception | None] = queue.Queue()

    def run() -> None:
        try:
            message.send()
        except Exception as error:  # noqa: BLE001 - carried over to the waiting thread, which judges it
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=run, name="mail", daemon=True).start()
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty:
        _cut(connection)
        raise OutboundError(_("The mail server took longer than %(n)g seconds.") % {"n": seconds}) from None
    if error is not None:
        raise _plain_error(error) from error


def _cut(connection: Any) -> None:
    """End the stuck thread's exchange."""
    sock = getattr(getattr(connection, "connection", None), "sock", None)
    if isinstance(sock, socket.socket):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it ended by itself in the meantime


def _plain_error(error: Exception) -> OutboundError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
        return OutboundError(_("The mail server refused every recipient."), permanent=min(codes) >= PERMANENT_REPLY)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return OutboundError(_("The mail server refused our login."))
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        message = f"{_('The mail server said')}: {error.smtp_code} {text}"[:300]
        return OutboundError(message, permanent=error.smtp_code >= PERMANENT_REPLY, status=None)
    if isinstance(error, OSError):
        return OutboundError(_("The mail server cannot be reached: %(error)s") % {"error": str(error)[:200]})
    return OutboundError(f"{type(error).__name__}: {str(error)[:200]}", permanent=isinstance(error, ValueError))
