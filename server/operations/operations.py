"""All that an operator has set up around a server, made once at its start."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Operations:
    """Keys, accounts and metrics of a server; ``metrics`` is None where nobody asks for them."""

    config: OperationsConfig
    keys: KeyStore
    ledger: Ledger
    metrics: Metrics | None

    @classmethod
    def of(cls, config: OperationsConfig, model_name: str) -> Operations:
        """Make what a configuration says.

        Raises:
            KeyFileError: the file of keys cannot be used.
        """
        metrics = Metrics(model_name) if config.enable_metrics else None
        ledger = Ledger(isolates=config.isolate_cache, metrics=metrics, clock=time.monotonic)
        return cls(config, KeyStore(config), ledger, metrics)

    def middleware(self, endpoints: Sequence[Endpoint]) -> list[Middleware]:
        """Return what every request goes through first."""
        return middleware(self.config, self.keys, endpoints, self.metrics)
