"""What a server has billed."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost; ``cached`` None: what is cached costs as much as what is not."""

    input: float
    output: float
    cached: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Counts of one backend since it was opened.

    Attributes:
        requests: that were sent, those that failed and were sent again included.
        retries: of these, the ones that were sent again.
        regenerated: texts that were asked for again, since the one before was not of its type.
        input_tokens: of prompts, as the server bills them; ``cached_tokens`` are among them.
        output_tokens: that were written, as the server bills them.
        saved_requests: texts that were there already, written behind an earlier one.
        unbilled: requests of which the server did not say what they cost.
    """

    requests: int = 0
    retries: int = 0
    regenerated: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    saved_requests: int = 0
    unbilled: int = 0

    @property
    def prompt_tokens(self) -> int:
        """``input_tokens``, as SGLang calls them."""
        return self.input_tokens

    @property
    def completion_tokens(self) -> int:
        """``output_tokens``, as SGLang calls them."""
        return self.output_tokens

    def cost(self, price: Price) -> float:
        """Return an estimate, in the currency of the price."""
        cached = price.input if price.cached is None else price.cached
        fresh = self.input_tokens - self.cached_tokens
        total = fresh * price.input + self.cached_tokens * cached
        return (total + self.output_tokens * price.output) / 1e6

    def __sub__(self, other: Usage) -> Usage:
        """Return what was counted since ``other``."""
        mine, theirs = asdict(self), asdict(other)
        return Usage(**{name: mine[name] - theirs[name] for name in mine})


class Meter:
    """Counts from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys((field.name for field in fields(Usage)), 0)

    def add(self, **counts: int) -> None:
        """Count more; the names are those of ``Usage``."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count

    @property
    def usage(self) -> Usage:
        """The counts so far."""
        with self._lock:
            return Usage(**self._counts)
