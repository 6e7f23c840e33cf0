"""The words of programs, as the compiler of Python functions has to know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from sglc.compat import words as sglang
from sglc.compiler.python.pieces import Begin, Choice, Decode, End, NotInGraph, Piece
from sglc.errors import StateError
from sglc.program import primitives
from sglc.program.expressions import Gen, RoleBegin, RoleEnd, Select, parts
from sglc.program.functions import Function
from sglc.program.gen_options import RUN_DEFAULTS, completed, gen_attrs

if TYPE_CHECKING:
    from sglc.backends.backend import Seam

_ROLES: Final = {
    primitives.system: "system",
    primitives.user: "user",
    primitives.assistant: "assistant",
    sglang.system: "system",
    sglang.user: "user",
    sglang.assistant: "assistant",
}
_WORDS: Final = frozenset(
    [getattr(primitives, name) for name in primitives.__all__]
    + [sglang.gen, sglang.gen_int, sglang.gen_string, sglang.select, sglang.image, sglang.video]
    + [*_ROLES]
)
_PLAIN: Final = frozenset({"max_tokens", "temperature"})


class ApiWords:
    """What words mean in a run with these options; equal objects mean the same."""

    def __init__(self, options: Mapping[str, Any], seam: Seam) -> None:
        self.options = dict(options)
        self.seam: Seam = seam

    @property
    def slices_markers(self) -> bool:
        """Whether the text between two versions has the markers of messages in it."""
        return self.seam == "canonical"

    def is_word(self, found: object) -> bool:
        """Whether this is a function that returns something to append."""
        return isinstance(found, FunctionType) and found in _WORDS

    def role_of(self, found: object) -> str | None:
        """The role that a word makes a message of, if it does."""
        return _ROLES.get(found) if isinstance(found, FunctionType) else None

    def pieces(
        self, word: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[Piece]:
        """Call a word; what it raises is raised.

        Raises:
            NotInGraph: what it returns has no op.
        """
        return [self._piece(part) for part in parts(word(*args, **kwargs))]

    def _piece(self, part: object) -> Piece:
        match part:
            case str():
                return part
            case Gen(python=None):
                return Decode(part.name, self._attrs(part), part.constraint)
            case Select(name, choices, method):
                return Choice(name, choices, method)
            case RoleBegin(name):
                return Begin(name)
            case RoleEnd(name):
                return End(name)
            case Gen():
                raise NotInGraph("a value of a Python type is made where it is read")
        raise NotInGraph(f"{type(part).__name__.lower()} has no place in the graph")

    def _attrs(self, part: Gen) -> dict[str, Any]:
        options = completed(self.options, part.options)
        if options["n"] is not None:
            raise NotInGraph("`n` samples of one call have no place in the graph")
        said = {
            name: value
            for name, value in options.items()
            if name in _PLAIN or value != RUN_DEFAULTS[name]
        }
        return gen_attrs(said, self.seam)

    def text(self, value: object) -> str:
        """Return a text that is appended.

        Raises:
            TypeError: it is something else.
            StateError: it is a word of the API, and was not when the function was lowered.
        """
        found = parts(value)
        if not all(isinstance(part, str) for part in found):
            raise StateError(
                "code that a prompt function calls gives something else now than when its graph "
                'was made: run it with level="staged"'
            )
        return "".join(map(str, found))

    def callee(self, found: object) -> Function | None:
        """The prompt function that this is, if its source can stand in its place."""
        if not isinstance(found, Function) or not isinstance(found.func, FunctionType):
            return None
        is_called_alike = type(found).__call__ is Function.__call__
        return found if is_called_alike else None
