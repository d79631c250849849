from __future__ import annotations

import pytest

from alertd.channels import _wire


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None), ({"Retry-After": "30"}, 30), ({"Retry-After": "soon"}, None), ({"Retry-After": "-5"}, None),
    ({"Retry-After": "9" * 5000}, 3600), ({"Retry-After": "²"}, None), ({"Retry-After": "1e3"}, None),
    ({"Retry-After": "Mon, 23 Nov 2026 14:04:00 GMT", "Date": "Mon, 23 Nov 2026 14:03:00 GMT"}, 60),
    ({"Retry-After": "Mon, 23 Nov 2026 14:00:00 GMT", "Date": "Mon, 23 Nov 2026 14:03:00 GMT"}, 0),
    ({"Retry-After": "Mon, 23 Nov 2026 14:04:00 GMT"}, None)])
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date counted from the vendor's own clock; at most an hour; nothing where it is unreadable."""
    assert _wire.retry_after(headers) == seconds


@pytest.mark.parametrize("url", ["https://example.com", "http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:1/"])
def test_addresses_of_vendors(url: str) -> None:
    """https anywhere, http on this machine itself."""
    assert _wire.vendor_address(url) == url


@pytest.mark.parametrize(("url", "proxy"), [
    ("https://events.example", "http://proxy:3128"), ("https://x.inside.example:8443", None),
    ("http://127.0.0.1:9", None)])
def test_proxies(monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    """What lies outside is reached by the environment's proxy, this machine and what NO_PROXY names directly."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    _wire.proxy.cache_clear()
    assert _wire.proxy(url) == proxy
    _wire.proxy.cache_clear()


@pytest.mark.parametrize("url", ["http://example.com", "http://127.0.0.1.evil.example", "http://10.0.0.1", "x", "", "https://",
                                 "file:///etc/passwd", "http://localhost.evil.example/"])
def test_addresses_that_are_refused(url: str) -> None:
    """Everything else."""
    with pytest.raises(ValueError, match="https://"):
        _wire.vendor_address(url)
