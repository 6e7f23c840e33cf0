"""States that go on from the same prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sglc.errors import StateError
from sglc.program.expressions import Expr

if TYPE_CHECKING:
    from sglc.program.state import ProgramState

MODES: Final = ("gather_variable", "concate_and_append")


class ForkGroup(Sequence["ProgramState"]):
    """The children of a fork. ``group += e`` appends to each of them.

    ``e`` may be an expression for all, a list with one for each, or a function of the number.
    """

    def __init__(self, parent: ProgramState, children: Sequence[ProgramState]) -> None:
        self._parent = parent
        self._children = list(children)
        self._is_joined = False

    def __getitem__(self, index: Any) -> Any:
        return self._children[index]

    def __setitem__(self, index: int, child: ProgramState) -> None:
        """What ``group[i] += e`` ends with: the child stays where it is.

        Raises:
            StateError: it is another state.
        """
        if child is not self._children[index]:
            raise StateError("a fork cannot be replaced by another state")

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[ProgramState]:
        return iter(self._children)

    def __iadd__(self, other: object) -> ForkGroup:
        for number, child in enumerate(self._children):
            child += self._of(other, number)
        return self

    def _of(self, other: object, number: int) -> Any:
        if isinstance(other, str | Expr):
            return other
        if isinstance(other, Callable):  # type: ignore[arg-type]  # the abstract class
            return other(number)  # type: ignore[operator]
        if isinstance(other, Sequence):
            if len(other) != len(self):
                raise ValueError(f"{len(other)} expressions for {len(self)} forks")
            return other[number]
        raise TypeError(f"forks cannot be appended with {other!r}")

    def join(self, mode: str = "gather_variable") -> None:
        """Bring the children back.

        ``gather_variable``: what each of them has named is a list of the parent.
        ``concate_and_append``: what each of them has appended is appended to the parent.

        Raises:
            ValueError: the mode is unknown.
            StateError: they have been joined before.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
        if self._is_joined:
            raise StateError("the forks have been joined before")
        self._is_joined = True
        self._parent.take_forks(self._children, appends=mode == MODES[1])
