"""Which tokens a text is made of, while it is being written."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from sglc.server.openai.logprobs import TokenLogprob, TokenNames

Tops = Sequence[Sequence[tuple[int, float]]]


class TextTokens:
    """Hands out the tokens of a text: those whose first byte lies within it, each once, in order.

    Tokens and text come in any pace. What a stop text, the end of the sequence or a constraint that
    was left cuts off is not handed out.
    """

    def __init__(self, names: TokenNames) -> None:
        self._names = names
        self._waiting: deque[TokenLogprob] = deque()
        self._begin = 0  # in bytes, of the first that waits
        self._size = 0  # of the text so far

    def add(
        self, text: str, ids: Sequence[int], logprobs: Sequence[float], tops: Tops
    ) -> tuple[TokenLogprob, ...]:
        """Add what has come, and return the tokens that are certain now; none without logprobs."""
        self._size += len(text.encode("utf-8", "surrogatepass"))
        for at, logprob in enumerate(logprobs):
            self._waiting.append(TokenLogprob(ids[at], logprob, tops[at] if tops else ()))
        found = []
        while self._waiting and self._begin < self._size:
            token = self._waiting.popleft()
            self._begin += self._names.num_bytes(token.id)
            found.append(token)
        return tuple(found)
