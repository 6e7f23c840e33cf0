"""The shape of a page."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """Why a code exists, a program that gets it, and the program that does not."""

    why: str
    wrong: str
    right: str
