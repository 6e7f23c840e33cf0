"""The text of a state while it comes: in the order of the program, piece by piece.

The joined pieces are the text. What is waited for is yielded too, as a cell, so that one walk
serves threads, greenlets and tasks.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sglc.errors import RunFailed, StateError
from sglc.runs.waiting import current_waiter
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.program.state import ProgramState
    from sglc.program.variables import Variable
    from sglc.runs.staging import Staging


@dataclass(frozen=True, slots=True)
class Followed:
    """A state, seen by whoever follows it.

    ``versions`` are the prompt behind everything that was appended, ``written`` the values that a
    model writes before some of them. ``owner`` is the thread of the program.
    """

    state: ProgramState
    staging: Staging
    versions: Sequence[Cell]
    written: Mapping[Cell, Cell]
    owner: int | None

    def text_pieces(self, name: str | None) -> Iterator[str]:
        """Yield the text, or that of one variable, as it comes; waits in between.

        Raises:
            KeyError: the run has ended, and has no such variable.
            StateError: the variable is a list.
            RunFailed: a part of it will never be there.
            Exception: what the program has raised.
        """
        is_inside = self.owner == threading.get_ident() or not self.staging.is_streamed
        for piece in self._walk(name, is_inside=is_inside):
            if isinstance(piece, Cell):
                self.staging.cut()
                current_waiter().wait(piece)
            elif piece:
                yield piece

    async def async_text_pieces(self, name: str | None) -> AsyncIterator[str]:
        """``text_pieces`` for a task of asyncio: it waits without holding up the loop."""
        from sglc.runs.tasks import until

        for piece in self._walk(name, is_inside=not self.staging.is_streamed):
            if isinstance(piece, Cell):
                self.staging.cut()
                await until(piece)
            elif piece:
                yield piece

    async def async_pieces_with_meta(self, name: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield the pieces of a variable; with the last one, what is known of its call."""
        behind: str | None = None
        async for piece in self.async_text_pieces(name):
            if behind is not None:
                yield behind, {}
            behind = piece
        yield behind or "", self.state.get_meta_info(name)

    def _walk(self, name: str | None, *, is_inside: bool) -> Iterator[str | Cell]:
        if name is None:
            return self._walk_versions(is_inside=is_inside)
        return self._walk_variable(name, is_inside=is_inside)

    def _walk_versions(self, *, is_inside: bool) -> Iterator[str | Cell]:
        """Walk over the versions; inside of the program, over those that there are."""
        shown = place = 0
        versions = self.versions
        walked: Cell | None = None
        while True:
            change = self.staging.next_change()
            is_over = self.staging.is_ended or is_inside
            if place == len(versions):
                if is_over:
                    self.state.raise_error()
                    return
                yield change
                continue
            version = versions[place]
            if not version.done or version.error is not None:
                value = self.written.get(version)
                if value is not None and value is not walked:
                    walked = value
                    shown = yield from self._written_pieces(value, shown)
                if not version.done:
                    version.tell(self.staging.poke)
                    yield change
                    continue
            if version.error is not None:
                self.state.raise_error()
                raise RunFailed(version.error, "the text is not there")
            place += 1
            while place < len(versions) and versions[place].done and not versions[place].error:
                version = versions[place]
                place += 1
            text = str(version.value.text)
            yield text[shown:]
            shown = len(text)

    def _written_pieces(self, value: Cell, start: int) -> Generator[str | Cell, None, int]:
        """Yield what a call writes until it ends; of one that fails, all that has come.

        Returns how many characters are shown then; ``start`` is how many were before.
        """
        number, shown = 0, start
        value.tell(self.staging.poke)
        while not value.done or value.error is not None:
            change = self.staging.next_change()
            is_over = value.done
            pieces = self.staging.pieces.get(value, [])
            if number == len(pieces) and not is_over:
                yield change
            while number < len(pieces):
                yield pieces[number]
                shown += len(pieces[number])
                number += 1
            if is_over:
                break
        return shown

    def _walk_variable(self, name: str, *, is_inside: bool) -> Iterator[str | Cell]:
        while (variable := self.state.variables.get(name)) is None:
            change = self.staging.next_change()
            if name in self.state.variables:
                continue
            if self.staging.is_ended or is_inside:
                self.state.get_var(name)  # it says why it cannot
            yield change
        if variable.items is not None:
            raise StateError(f"{name!r} is a list of values: iterate over the texts of the forks")
        if variable.cell is None:
            yield str(variable.value)
            return
        shown = yield from self._written_pieces(variable.cell, 0)
        yield _whole(name, variable)[shown:]


def _whole(name: str, variable: Variable) -> str:
    """The text of a variable that is done; of a value that is none, what the model wrote."""
    cell = variable.cell
    assert cell is not None
    if cell.error is not None:
        raise RunFailed(cell.error, f"`{name}` is not there")
    if isinstance(cell.value, str) or variable.stream is None:
        return str(cell.value)
    return str(variable.stream.value.segment.text)
