"""Tokens that end a decode where the text is a member, by end rule."""

from __future__ import annotations

import numpy as np

from sglc.runtime.core.script import EndRule
from sglc.runtime.masks.trie import Longs, TokenTrie


class Endings:
    """The ids that are allowed in an accepting state whatever bytes they have."""

    def __init__(self, trie: TokenTrie, eos: Longs, end: EndRule) -> None:
        self._none = eos[:0]
        self._some = {
            "closed": self._none,
            "eos": eos,
            "leave": np.unique(np.concatenate((eos, trie.special))),
        }[end]

    def of(self, is_accepting: bool) -> Longs:
        """Return them, none where the text is no member."""
        return self._some if is_accepting else self._none
