"""What a state is appended with, piece by piece; and what the frontend has to know of its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Loc
    from sglc.compiler.python.source import FunctionSource
    from sglc.constraints.types import Type


class Place(NamedTuple):
    """Where a word stands, and in the source of which function."""

    loc: Loc
    source: FunctionSource


@dataclass(frozen=True, slots=True)
class Decode:
    """The model writes. ``attrs`` are those of the op ``gen``, the name aside."""

    name: str | None
    attrs: Mapping[str, Any]
    constraint: Type | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """The best of some texts."""

    name: str | None
    choices: tuple[str, ...]
    method: str
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Begin:
    """A message begins."""

    role: str


@dataclass(frozen=True, slots=True)
class End:
    """A message ends."""

    role: str


Piece = str | Decode | Choice | Begin | End


class Callee(Protocol):
    """Another prompt function; a call of it on a state goes on in that state."""

    @property
    def func(self) -> Callable[..., Any]:
        """The function itself, a plain one."""

    @property
    def bound(self) -> Mapping[str, Any]:
        """Arguments that are given already."""


class NotInGraph(Exception):
    """A word returns something that no op says; the message says what."""


class Words(Protocol):
    """The words of the API that a function is written in.

    A word that is not known here is host code; a name that is no word of the function is one that
    the frontend must leave alone.
    """

    @property
    def slices_markers(self) -> bool:
        """Whether the text between two versions has the markers of messages in it."""

    def is_word(self, found: object) -> bool:
        """Whether this is a function that returns something to append."""

    def role_of(self, found: object) -> str | None:
        """The role that a word makes a message of, if it does."""

    def pieces(self, word: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Sequence[Piece]:
        """Call a word; what it raises is raised.

        Raises:
            NotInGraph: what it returns has no op; the message says what.
        """

    def text(self, value: object) -> str:
        """Return a text that is appended.

        Raises:
            TypeError: it is something else.
        """

    def callee(self, found: object) -> Callee | None:
        """The prompt function that this is, if it is one."""
