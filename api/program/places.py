"""The places of a program that calls into this package: file, line and column."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sglc.compiler.plan.plan import Loc
from sglc.compiler.source import column_in

if TYPE_CHECKING:
    from types import CodeType, FrameType

_PACKAGE: Final = __name__.partition(".")[0] + "."
_MAX_KNOWN: Final = 4096


class Place(NamedTuple):
    """Where a function calls: ``function`` says which one, by its file and first line."""

    loc: Loc
    function: tuple[str, int]


_known: dict[tuple[int, int], tuple[CodeType, Place]] = {}
"""By the id of a code object, which is kept so that no other one has it, and the instruction."""


def caller_place() -> Place | None:
    """Return the place in the program that has called into this package.

    Its column is that of the statement or the call that is under way.
    """
    frame = program_frame(sys._getframe(1))
    return None if frame is None else _place_of(frame.f_code, frame.f_lasti)


def program_frame(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the program that a frame was called from; None if there is none."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        # the blocks of states are made by contextlib, which is then between them and the program
        if not name.startswith(_PACKAGE) and name not in (_PACKAGE[:-1], "contextlib"):
            return frame
        frame = frame.f_back
    return None


def exact_loc(own: Place | None, place: Place | None) -> Loc | None:
    """Return the place of a word that is appended at ``place``: its own, if it stands in the
    function that appends it."""
    if place is None:
        return None
    return own.loc if own is not None and own.function == place.function else place.loc


def caller_loc() -> Loc | None:
    """Return ``caller_place`` without the function."""
    place = caller_place()
    return None if place is None else place.loc


def _place_of(code: CodeType, instruction: int) -> Place:
    key = id(code), instruction
    known = _known.get(key)
    if known is not None and known[0] is code:
        return known[1]
    line, _, offset, _ = next(islice(code.co_positions(), instruction // 2, None))
    line = code.co_firstlineno if line is None else line
    column = 1 if offset is None else column_in(code.co_filename, line, offset)
    place = Place(Loc(code.co_filename, line, column), (code.co_filename, code.co_firstlineno))
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    _known[key] = code, place
    return place
