"""How a server is asked: how often again, how long, how many at once."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Final, Literal

Emulate = Literal["refuse", "validate-retry"]
_NO_LIMIT: Final = frozenset(
    {"requests_per_minute", "tokens_per_minute", "first_token_s", "total_s"}
)
_MAY_BE_ZERO: Final = frozenset({"max_retries", "speculate", "max_regenerated", "first_delay_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is done about a server that is slow, busy or down, or cannot do what is asked.

    A request is sent again after a refused connection, a status of 408, 409, 429 or 5xx, an error
    of that kind in its place, or an answer that broke off before any text; never after text was
    handed on, nor where the server was only slow or says that nothing more may be spent. The delays
    double from ``first_delay_s`` to ``max_delay_s``, each shortened by chance to between half and
    all of it; what the server says in ``Retry-After`` goes before that.

    Attributes:
        max_retries: how often a request is sent again.
        first_delay_s, max_delay_s: see above. A longer ``Retry-After`` ends the request.
        connect_s: for the connection.
        first_token_s: for the first text of a stream; None for no limit.
        total_s: for the whole answer; None for no limit.
        max_in_flight: requests at once; more of them wait.
        requests_per_minute: that begin; None for no limit.
        tokens_per_minute: of prompts and answers, estimated before a request is sent and corrected
            after; None for no limit.
        emulate: what a server cannot do natively: ``refuse``, or ``validate-retry``: generate
            freely, check, and generate again up to ``max_regenerated`` times.
        retry_temperature: of a greedy text that is generated again: it would be the same one.
        speculate: every decode may write so many tokens; what is behind its end is kept for the
            decodes that follow (``surplus.py``). 0 for none.
        ca_file: the certificates that the server's is checked by; None for those of the system.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    max_retries: int = 4
    first_delay_s: float = 0.5
    max_delay_s: float = 60.0  # limits of providers are by the minute
    connect_s: float = 10.0
    first_token_s: float | None = 120.0
    total_s: float | None = 600.0
    max_in_flight: int = 64
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    emulate: Emulate = "refuse"
    max_regenerated: int = 3
    retry_temperature: float = 0.7
    speculate: int = 0
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.emulate not in ("refuse", "validate-retry"):
            raise ValueError(f"emulate must be 'refuse' or 'validate-retry', not {self.emulate!r}")
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("emulate", "ca_file") or (value is None and item.name in _NO_LIMIT):
                continue
            least = "at least 0" if item.name in _MAY_BE_ZERO else "above 0"
            is_number = type(value) is int or (type(value) is float and type(item.default) is float)
            fits = is_number and (value > 0 or (value == 0 and item.name in _MAY_BE_ZERO))
            if not fits or value != value:
                raise ValueError(f"{item.name} must be a number {least}, not {value!r}")

    def delay_s(self, attempt: int) -> float:
        """Return how long to wait before a request is sent again for the ``attempt``-th time."""
        longest = min(self.max_delay_s, self.first_delay_s * 2.0 ** min(attempt - 1, 30))
        return longest * random.uniform(0.5, 1.0)
