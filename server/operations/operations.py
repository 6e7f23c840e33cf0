"""All that an operator has set up around a server, made once at its start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.middleware import Middleware

from sglc.server.http.endpoint import Endpoint
from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.key_store import KeyStore
from sglc.server.operations.ledger import Ledger
from sglc.server.operations.metrics import Metrics
from sglc.server.operations.stack import middleware
from sglc.server.operations.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Operations:
    """Keys, accounts, metrics and traces of a server; None where nobody asks for them."""

    config: OperationsConfig
    keys: KeyStore
    ledger: Ledger
    metrics: Metrics | None
    tracing: Tracing | None

    @classmethod
    def of(cls, config: OperationsConfig, model_name: str) -> Operations:
        """Make what a configuration says.

        Raises:
            KeyFileError: the file of keys cannot be used.
            TracingError: traces cannot be sent.
        """
        metrics = Metrics(model_name) if config.enable_metrics else None
        ledger = Ledger(isolates=config.isolate_cache, metrics=metrics, clock=time.monotonic)
        endpoint = config.otlp_traces_endpoint
        tracing = None if endpoint is None else Tracing.to(endpoint, model_name)
        return cls(config, KeyStore(config), ledger, metrics, tracing)

    def middleware(self, endpoints: Sequence[Endpoint]) -> list[Middleware]:
        """Return what every request goes through first."""
        return middleware(self.config, self.keys, endpoints, self.metrics, self.tracing)

    async def close(self) -> None:
        """Send what has not been sent."""
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)
