"""Which URLs and network addresses may be called: one rule for configuration time and for the moment of the call.

Names are never trusted: whatever a name resolves to is checked, address by address, and forms that hide another
address inside (IPv4-mapped, 6to4, NAT64, ISATAP) are unwrapped first.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from django.utils.translation import gettext as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 2000
MAX_NAME = 253
FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# What `is_global` lets through although nobody out there should be reached through it.
NEVER_GLOBAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "2001::/23", "3fff::/20")
)
GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
ISATAP = (0x00005EFE, 0x02005EFE)


class RefusedUrl(ValueError):
    """The URL may not be called. The message says why and never repeats the path or the query, which may hold secrets."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed the checks: what to ask for and whom to connect to. ``host`` is ASCII, without brackets."""

    url: str
    host: str
    port: int


def check_url(url: str) -> None:
    """Refuse, at configuration time, a URL that could never be called. Names are resolved only at the call itself.

    Raises: RefusedUrl with the reason.
    """
    parse_target(url, allow_private=settings.WEBHOOK_ALLOW_PRIVATE)


def parse_target(url: str, *, allow_private: bool) -> Target:
    """Take a URL apart. Raises: RefusedUrl with the reason."""
    _check_text(url)
    host, port, secure = _host_and_port(url)
    host = _plain_host(host)
    address = _literal(host)
    if address is not None:
        check_address(address, allow_private=allow_private)
    elif not allow_private and (host == "localhost" or host.endswith(".localhost")):
        raise RefusedUrl(_("%(host)s is this machine itself; only public addresses may be called.") % {"host": host})
    return Target(url=str(httpx2.URL(url)), host=host, port=port or (443 if secure else 80))


def check_address(address: Address, *, allow_private: bool) -> None:
    """Raises: RefusedUrl when nobody may be called at this address."""
    real = unwrap(address)
    if (
        real.is_multicast
        or real.is_unspecified
        or real.is_link_local
        or real == ipaddress.IPv4Address("255.255.255.255")
    ):
        raise RefusedUrl(_("%(address)s is no address of a single receiver.") % {"address": address})
    if not allow_private and not is_public(real):
        raise RefusedUrl(_("%(address)s is a private address; only public ones may be called.") % {"address": address})


def is_public(address: Address) -> bool:
    """Whether this (unwrapped) address is one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_V6:
        return False
    if any(address.version == network.version and address in network for network in NEVER_GLOBAL):
        return False
    return address.is_global and not address.is_reserved


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    low, interface = int(address) & 0xFFFFFFFF, (int(address) >> 32) & 0xFFFFFFFF
    return ipaddress.IPv4Address(low) if address in NAT64 or interface in ISATAP else address


def _check_text(url: object) -> None:
    if not isinstance(url, str) or not url or len(url) > MAX_URL:
        raise RefusedUrl(_("A URL of 1 to %(limit)d characters is needed.") % {"limit": MAX_URL})
    if FORBIDDEN.search(url):
        raise RefusedUrl(_("A URL may not contain spaces, control characters or backslashes."))


def _host_and_port(url: str) -> tuple[str, int | None, bool]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RefusedUrl(_("This is no valid URL.")) from None
    if parts.scheme not in ("http", "https"):
        raise RefusedUrl(_("A URL must start with https:// or http://."))
    if "@" in parts.netloc:
        raise RefusedUrl(_("A URL may not carry a user name or a password."))
    if not host or port == 0:
        raise RefusedUrl(_("The URL names no host or no usable port."))
    return host, port, parts.scheme == "https"


def _plain_host(host: str) -> str:
    """The host in ASCII. Look-alikes such as circled digits are no valid international names and are refused."""
    if ":" in host:
        return host
    try:
        plain = httpx2.URL(f"https://{host}/").raw_host.decode("ascii").lower().removesuffix(".")
    except (httpx2.InvalidURL, UnicodeError):
        raise RefusedUrl(_("The URL's host is not a valid name.")) from None
    if len(plain) > MAX_NAME or not all(LABEL.fullmatch(label) for label in plain.split(".")):
        raise RefusedUrl(_("The URL's host is not a valid name."))
    return plain


def _literal(host: str) -> Address | None:
    """The address a host spells out, or None for a name. Octal, hexadecimal and short forms are refused."""
    if ":" not in host and not NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
        return None
    if "%" in host:
        raise RefusedUrl(_("An address with a zone may not be called."))
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        raise RefusedUrl(_("Write an address as four decimal numbers or as IPv6 in brackets.")) from None
