"""Which URLs may be called: every disguise of a private address is refused, at configuration and at the call."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from cases.addresses import is_public, parse_target, unwrap
from cases.outbound import OutboundError, RefusedUrl, check_url, post

REFUSED = [
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::5efe:7f00:1]/",
    "http://[2606:4700::5efe:7f00:1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://user@example.com/",
    "http://user:pass@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://exa mple.com/",
    "http://example.com/\r\nx: y",
    "http://example.com\x00/",
    "\thttp://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "//example.com/",
    "example.com",
    "",
    "http://",
    "http:///path",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://exam%70le.com/",
    "http://[::1/",
    "http://a..b/",
    "http://-a.example/",
    "https://example.com/" + "a" * 2000,
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_may_not_be_called_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(RefusedUrl) as caught:
        check_url(url)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("url", REFUSED)
def test_the_same_urls_are_refused_at_the_call_itself(url: str) -> None:
    with pytest.raises(OutboundError) as caught:
        post(url, body=b"", headers={}, timeout_total=1, allow_private=False)
    assert caught.value.permanent


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/hooks",
        "http://crm.example:8080/a?b=c",
        "https://bücher.example/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://under_score.example/",
    ],
)
def test_public_urls_pass(url: str) -> None:
    check_url(url)


def test_a_refusal_never_repeats_the_path() -> None:
    with pytest.raises(RefusedUrl) as caught:
        check_url("http://10.0.0.1/hooks/s3cret?token=t0ken")
    assert "s3cret" not in str(caught.value)
    assert "t0ken" not in str(caught.value)


def test_private_addresses_pass_where_the_operator_allows_them(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    for url in ("http://127.0.0.1:9000/", "http://localhost/", "http://10.0.0.1/", "http://[::1]/"):
        check_url(url)
    for url in ("http://0177.0.0.1/", "http://169.254.169.254/", "http://224.0.0.1/", "http://0.0.0.0/"):
        with pytest.raises(RefusedUrl):
            check_url(url)


def test_a_target_keeps_its_query_and_its_default_port() -> None:
    target = parse_target("https://crm.example/a%20b?x=%2F", allow_private=False)
    assert (target.url, target.host, target.port) == ("https://crm.example/a%20b?x=%2F", "crm.example", 443)


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("2002:7f00:1::", "127.0.0.1"),
        ("64:ff9b::7f00:1", "127.0.0.1"),
        ("2606:4700::5efe:a00:1", "10.0.0.1"),
        ("2606:4700::1111", "2606:4700::1111"),
    ],
)
def test_addresses_inside_addresses_are_found(text: str, real: str) -> None:
    assert unwrap(ipaddress.ip_address(text)) == ipaddress.ip_address(real)


def test_a_wrapped_public_address_is_public() -> None:
    assert is_public(unwrap(ipaddress.ip_address("64:ff9b::808:808")))
    assert not is_public(ipaddress.ip_address("3fff::1"))
