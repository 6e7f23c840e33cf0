"""Tokens that a tokenizer finds in any text before it cuts that: what is settled about them."""

from __future__ import annotations

import re
from typing import Any


class AddedTokens:
    """Those of a ``tokenizers.Tokenizer``, special ones aside.

    The library takes the leftmost of them, of several that begin there the longest. Where it does
    so in two rounds, strips white space around them or asks for whole words, and where a special
    token that it passes over may cover one, nothing behind the first is said to be settled.
    """

    def __init__(self, inner: Any) -> None:
        tokens = list(inner.get_added_tokens_decoder().values())
        added = [token for token in tokens if not token.special]
        self._texts = [token.content for token in added]
        self._is_plain = len({token.normalized for token in added}) <= 1 and not any(
            token.single_word or token.lstrip or token.rstrip for token in added
        )
        covers = (_covers(s.content, text) for s in tokens if s.special for text in self._texts)
        self._is_plain = self._is_plain and not any(covers)
        longest_first = sorted(self._texts, key=lambda text: -len(text))
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def pieces(self, text: str) -> tuple[list[tuple[int, int]], int, int]:
        """Return the pieces ``[begin, end)`` that are followed by a token which is there to stay,
        and where the text begins and ends that is followed by none.

        Behind that end is what is, or might yet be, another token.
        """
        found: list[tuple[int, int]] = []
        begin = 0
        while self._texts:
            end = self._open_from(text, begin)
            match = self._pattern.search(text, begin)
            if match is None or match.start() >= end:
                return found, begin, end
            if not self._is_plain:
                return found, begin, match.start()
            found.append((begin, match.start()))
            begin = match.end()
        return found, begin, len(text)

    def _open_from(self, text: str, begin: int) -> int:
        """Return where the text, from ``begin`` on, may end in the first part of a token."""
        end = len(text)
        for token in self._texts:
            for at in range(max(begin, len(text) - len(token) + 1), end):
                if token.startswith(text[at:]):
                    end = at
                    break
        return end


def _covers(special: str, added: str) -> bool:
    """Whether a special token that begins first may take letters of the other."""
    return added in special or any(special.endswith(added[:n]) for n in range(1, len(added)))
