"""Addresses of the web as they are given, and the hosts that may be asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_MAX_CHARS = 8192
_VISIBLE = re.compile(r"[!-~]+")  # of ASCII, no space and no control character
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)


class FetchError(ValueError):
    """Something is not fetched; the message says why, and names no host or address."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked of whom. ``host`` is lower-case ASCII, an address of IPv6 without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str, base: Target | None = None) -> Target:
        """Read a URL; one of a redirect may be relative to ``base``.

        Raises:
            FetchError: it is none of http or https, or can be read in more than one way.
        """
        if len(url) > _MAX_CHARS or not _VISIBLE.fullmatch(url) or "\\" in url:
            raise FetchError("the URL is too long or has characters that a URL does not have")
        try:
            parts = urlsplit(url if base is None else urljoin(base.url, url))
            port = parts.port
        except ValueError:
            raise FetchError("the URL cannot be read") from None
        if parts.scheme not in _PORTS:
            raise FetchError(f"only http and https are fetched, not `{parts.scheme}`")
        if "@" in parts.netloc:
            raise FetchError("the URL holds a name or a password")
        host = _host(parts.hostname or "")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], path)

    @property
    def authority(self) -> str:
        """Host and port, as the header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def entry(self) -> str:
        """What lists this host at this port, and nothing else."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def is_listed(self, hosts: Sequence[str]) -> bool:
        """Whether it is on a list of ``host``, ``*.host`` or ``*``, each with a port if it has one.

        An entry without a port is the usual one of the scheme.
        """
        for entry in hosts:
            name, port = _entry(entry)
            if self.port != (port or _PORTS[self.scheme]):
                continue
            if name in ("*", self.host):
                return True
            if name.startswith("*.") and self.host.endswith(name[1:]):
                return True
        return False


def _entry(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    if colon and port.isdecimal() and (":" not in name or name.endswith("]")):
        return name.strip("[]").lower(), int(port)
    return entry.strip("[]").lower(), None


def _host(name: str) -> str:
    """Return a host's one form: an address as it is written, or a name.

    ``127.1``, ``0177.0.0.1``, ``2130706433`` are addresses to some and names to others.
    """
    name = name.lower().removesuffix(".")
    if "%" in name:
        raise FetchError("the host is no name")
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    if not name or _NUMERIC.fullmatch(name.rsplit(".", 1)[-1]):
        raise FetchError("the host is neither a name nor an address as it is usually written")
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", name) or ".." in name:
        raise FetchError("the host is no name")
    return name
