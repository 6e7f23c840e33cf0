"""What is appended to a state: texts, calls of the model, roles, pictures; and their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

if TYPE_CHECKING:
    from sglc.constraints.types import Type
    from sglc.program.places import Place

Method = Literal["token_avg", "greedy", "unconditional"]


class Expr:
    """Something that a state can be appended with; ``+`` puts one behind another."""

    __slots__ = ()

    def __add__(self, other: object) -> Sum:
        return Sum((*parts(self), *parts(other)))

    def __radd__(self, other: object) -> Sum:
        return Sum((*parts(other), *parts(self)))

    # What the model writes is not there yet: nothing may be made of an expression in silence.

    def __format__(self, spec: str) -> str:
        """Refuse to be a part of an f-string: its name would be said, and nothing be written.

        Raises:
            TypeError: always.
        """
        word = _word(self)
        raise TypeError(
            f"what a {word} stands for cannot be in an f-string, which is text already: append "
            f'"…" + {word}(…) + "…"'
        )

    def __str__(self) -> str:
        """Refuse to be a text, as ``__format__`` does.

        Raises:
            TypeError: always.
        """
        word = _word(self)
        raise TypeError(
            f'what a {word} stands for is no text yet: append "…" + {word}(…); repr(…) shows it'
        )

    def __eq__(self, other: object) -> bool:
        """Refuse to be compared with what might be written: it would never be the same.

        Nothing at all, "", is another thing than any expression.

        Raises:
            TypeError: ``other`` is a text.
        """
        if isinstance(other, str) and other != "":
            raise TypeError(
                f"what a {_word(self)} stands for is not there yet: append it to the state, then "
                "ask for s[name]"
            )
        return self is other

    __hash__ = object.__hash__


def _word(expression: Expr) -> str:
    return type(expression).__name__.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Sum(Expr):
    """Expressions one behind the other; texts are plain strings."""

    items: tuple[Expr | str, ...]

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.items))


@dataclass(frozen=True, slots=True, eq=False)
class Gen(Expr):
    """A text that the model writes.

    ``options`` are those that were given, by the names of the language; what was not given is
    taken from the run. ``constraint`` is what the text has to be; the value is what it means there,
    an object of the ``python`` type if there is one. ``place`` is where it was made.
    """

    name: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    constraint: Type | None = None
    python: Any = None
    place: Place | None = field(default=None, compare=False, repr=False)

    def __repr__(self) -> str:
        held = self.constraint if self.python is None else self.python
        said = {**self.options, **({} if held is None else {"type": held})}
        return _call("gen", self.name, said)


@dataclass(frozen=True, slots=True, eq=False)
class Peek(Expr):
    """No text: what the model thinks of the prompt, and of what might come next.

    ``options`` are those that ask for log probabilities, by the names of the language.
    """

    name: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Select(Expr):
    """The best of some texts."""

    name: str | None
    choices: tuple[str, ...]
    method: Method = "token_avg"
    place: Place | None = field(default=None, compare=False, repr=False)

    def __repr__(self) -> str:
        return _call("select", self.name, {"choices": [*self.choices]})


@dataclass(frozen=True, slots=True, eq=False)
class RoleBegin(Expr):
    """A message begins."""

    role: str

    def __repr__(self) -> str:
        return f"{self.role}_begin()"

    def __enter__(self) -> NoReturn:
        raise TypeError(f"a message as a block is one of a state: with s.{self.role}():")

    def __exit__(self, *_: object) -> None:
        """No block of it is ever entered."""


@dataclass(frozen=True, slots=True, eq=False)
class RoleEnd(Expr):
    """A message ends."""

    role: str

    def __repr__(self) -> str:
        return f"{self.role}_end()"


@dataclass(frozen=True, slots=True, eq=False)
class Media(Expr):
    """An image or a video: a path, a URL or the bytes of a file."""

    kind: Literal["image", "video"]
    source: str | Path | bytes
    num_frames: int | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


def parts(value: object) -> tuple[Expr | str, ...]:
    """Return a value that a state can be appended with as a sequence of simple ones.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, str):  # of those that stand for something, nobody may ask if they are ""
        return (value,) if value.__class__ is not str or value else ()
    if isinstance(value, Sum):
        return value.items
    if isinstance(value, Expr):
        return (value,)
    raise TypeError(f"a prompt cannot be appended with {_named(value)}: {_way_out(value)}")


def _way_out(value: object) -> str:
    from sglc.program.functions import Function
    from sglc.program.state import ProgramState

    if isinstance(value, int | float):
        return "write str(…) around it"
    if isinstance(value, ProgramState):
        return "append its text(), or one of its values"
    if callable(value):
        name = getattr(value, "__name__", "it")
        return f"call it, {name}(s, …)" if isinstance(value, Function) else f"call it, {name}(…)"
    if isinstance(value, list | tuple):
        return "append one after another, or join them with `+`"
    return "expected text, gen(…), select(…), a role or an image"


def _named(value: object) -> str:
    """Return a value as errors write it: its type, and the beginning of it."""
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:37] + "..."
    return "None" if value is None else f"{type(value).__name__} {shown}"


def _call(word: str, name: str | None, options: Mapping[str, Any]) -> str:
    """Return the call that makes an expression, for those who look at one."""
    shown = [] if name is None else [repr(name)]
    shown += [f"{option}={value!r}" for option, value in options.items()]
    return f"{word}({', '.join(shown)})"


def role(name: str, content: object = ...) -> Sum | RoleBegin:
    """Return a whole message, or without content its beginning.

    Raises:
        TypeError: the content is None, or another thing that no prompt is appended with.
    """
    if content is ...:
        return RoleBegin(name)
    return Sum((RoleBegin(name), *parts(content), RoleEnd(name)))


def checked_choices(choices: object) -> tuple[str, ...]:
    """Return choices as texts.

    Raises:
        TypeError: they are no sequence of texts.
        ValueError: there is none, or one is empty.
    """
    if isinstance(choices, str) or not isinstance(choices, Sequence):
        raise TypeError(f"choices must be a list of texts, not {_named(choices)}")
    for choice in choices:
        if not isinstance(choice, str):
            raise TypeError(f"a choice must be text, not {_named(choice)}")
        if not choice:
            raise ValueError("a choice must not be empty")
    if not choices:
        raise ValueError("there must be a choice at least")
    return tuple(choices)
