"""What the operator of a server sets: who may use it, what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sglc.server.operations.secret import Secret

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsConfig:
    """How a server is run.

    Attributes:
        api_key: the one key; what is stored under it is what is stored without keys.
        api_keys: a file of keys that ``sglc keys`` has made, read anew when it changes.
        isolate_cache: nothing that one tenant had computed is served to another from the cache.
        cors_origins: the origins whose pages may call the server; ``*`` is any.
        log_format, log_level: of the server's log, which goes to standard error.
        log_requests: log lengths and counts of tokens of each request too.
        log_bodies: and what the bodies of requests say.
        enable_metrics: serve ``/metrics``.
        otlp_traces_endpoint: where spans go, an OTLP URL; None for nowhere.
    """

    api_key: Secret | None = None
    api_keys: Path | None = None
    isolate_cache: bool = False
    cors_origins: tuple[str, ...] = ("*",)
    log_format: LogFormat = "text"
    log_level: LogLevel = "info"
    log_requests: bool = False
    log_bodies: bool = False
    enable_metrics: bool = False
    otlp_traces_endpoint: str | None = None

    @property
    def has_keys(self) -> bool:
        """Whether a request needs a key."""
        return self.api_key is not None or self.api_keys is not None
