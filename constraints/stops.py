"""Texts that contain none of some others."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.constraints.automaton import Automaton
from sglc.constraints.charset import ANY_TEXT
from sglc.constraints.syntax import Chars, Repeat, Text, alt, seq


def containing(texts: Sequence[str]) -> Automaton:
    """All texts that contain one of ``texts``."""
    anything = Repeat(Chars(ANY_TEXT), 0, None)
    return seq(anything, alt(*map(Text, texts)), anything).automaton()
