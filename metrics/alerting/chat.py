"""Alerts to chat and pagers through apprise, which knows their addresses and forms. Nothing else imports it.

Only services of this list: apprise could also write files, call programs of the desktop or post to any host. Where a service is
the operator's own, its host is checked as that of a webhook, when it is configured and again when it is called. Redirects are
not followed. Between that check and the call the name is resolved once more, by apprise: who controls the name could change
it in that moment. An address holds the service's secret, so no error repeats it and apprise's own log is silenced.
"""

from __future__ import annotations

import ipaddress
import logging
import queue
import threading
import time
from typing import Any

import apprise
from django.utils.translation import gettext as _

from cases.actions.base import Delivery, Receipt
from cases.addresses import RefusedUrl, check_address, parse_target
from cases.outbound import Deadline, OutboundError, resolve

TIMEOUT = 12.0
HOSTED = frozenset(
    {"slack", "pagerduty", "discord", "tgram", "opsgenie", "wxteams", "webex", "gchat", "zulip", "splunk"}
)
OWN_HOST = frozenset({"workflow", "workflows", "ntfy", "ntfys", "mmost", "mmosts", "rocket", "rockets"})
KINDS = {1: apprise.NotifyType.INFO, 2: apprise.NotifyType.WARNING, 3: apprise.NotifyType.FAILURE}
logging.getLogger("apprise").disabled = True  # it would log addresses


class ChatAction:
    """One message per delivery. ``options`` hold the address, put in at the last moment and never stored with the effect."""

    def __init__(self, *, allow_private: bool = False, timeout: float = TIMEOUT) -> None:
        self.allow_private = allow_private
        self.timeout = timeout

    def check(self, url: str) -> None:
        """Refuse an address that could never be used. Raises: RefusedUrl, which never repeats it."""
        self._service(url)

    def deliver(self, delivery: Delivery) -> Receipt:
        started, deadline = time.monotonic(), Deadline(self.timeout)
        url = str(delivery.options.get("url") or "")
        if not url:
            raise OutboundError(_("The alert channel is gone or switched off."), permanent=True)
        try:
            service = self._service(url)
        except RefusedUrl as refusal:
            raise OutboundError(str(refusal), permanent=True) from None
        if _schema(url) in OWN_HOST:
            self._check_host(str(service.host), service.port, deadline)
        alert = delivery.body.get("alert", {})
        text = "\n".join(str(alert[name]) for name in ("text", "advice", "url") if alert.get(name))
        _send(service, title=str(alert.get("title", "")), body=text, kind=alert.get("level", 2), deadline=deadline)
        return Receipt(None, _("handed to the service"), round((time.monotonic() - started) * 1000))

    def _service(self, url: str) -> Any:
        schema = _schema(url)
        if schema not in HOSTED | OWN_HOST:
            names = ", ".join(sorted(HOSTED | OWN_HOST))
            raise RefusedUrl(_("An address of one of these services is needed: %(names)s") % {"names": names})
        asset = apprise.AppriseAsset(
            app_id="Countersign",
            app_desc="Countersign",
            app_url="",
            async_mode=False,
            http_redirects=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if service is None:
            raise RefusedUrl(_("This address is not complete: see the service's page in apprise's documentation."))
        if schema in OWN_HOST:
            parse_target(f"https://{_bracketed(str(service.host))}/", allow_private=self.allow_private)
        return service

    def _check_host(self, host: str, port: int | None, deadline: Deadline) -> None:
        for address in resolve(host.strip("[]"), port or 443, deadline):
            try:
                check_address(ipaddress.ip_address(address.partition("%")[0]), allow_private=self.allow_private)
            except RefusedUrl as refused:
                raise OutboundError(f"{host}: {refused}", permanent=True) from None


def _schema(url: str) -> str:
    return url.partition("://")[0].strip().lower() if "://" in url else ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _send(service: Any, *, title: str, body: str, kind: int, deadline: Deadline) -> None:
    """In a thread: the library under apprise has no deadline for a whole exchange."""
    outcome: queue.Queue[bool] = queue.Queue()

    def run() -> None:
        try:
            outcome.put(bool(service.notify(title=title, body=body, notify_type=KINDS.get(kind, KINDS[2]))))
        except Exception:  # noqa: BLE001 - its text may hold the address; that it failed is all that may be told
            outcome.put(False)  # noqa: FBT003 - the outcome is a yes or a no

    threading.Thread(target=run, name="chat", daemon=True).start()
    try:
        arrived = outcome.get(timeout=deadline.left())
    except queue.Empty:
        raise deadline.passed() from None
    if not arrived:
        raise OutboundError(_("The service refused the message or could not be reached."))
