"""What every codec can do: say what may be written for a Python type, and go between values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any, Protocol

from sglc.constraints import types as t

Data = dict[str, Any]


class PythonTypeError(TypeError):
    """A Python type that no constraint stands for; says which field, why, and the way out."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"`{where}`: {reason}")
        self.where = where
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.reason)


class ConversionError(ValueError):
    """A value is not of a Python type; ``path`` is the place inside of it, "" for the whole."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"`{path}`: {reason}" if path else reason)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.reason)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ``Annotated`` and fields of models add to a type; None where they say nothing."""

    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    multiple_of: Any = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    max_digits: int | None = None
    decimal_places: int | None = None

    @property
    def names(self) -> list[str]:
        """The bounds that are set."""
        return [each.name for each in fields_of(self) if getattr(self, each.name) is not None]


class Definitions(Protocol):
    """The named parts of a JSON Schema that is being written."""

    def refer(self, codec: Codec, name: str, body: Callable[[Definitions], Data]) -> Data:
        """Return what ``body`` writes for ``codec``, or a reference to it if the codec recurs."""

    def add(self, definitions: Data) -> None:
        """Take up definitions whose names nobody else has."""

    def fresh(self, name: str) -> str:
        """Return a beginning for names that nobody else has."""


class Codec(ABC):
    """One Python type: its constraint, and the way between its objects and values of programs.

    Law: a text of ``type()`` stands for a value that ``load`` takes, and what ``dump`` gives is
    written as a text of ``type()``. Checks that a class makes in its constructor, and validators
    of a model, are the exception: ``load`` says what they refuse.
    """

    @property
    def parts(self) -> Iterable[Codec]:
        """The codecs of the types that this one is made of."""
        return ()

    @abstractmethod
    def type(self) -> t.Type:
        """Return the constraint."""

    @abstractmethod
    def schema(self, definitions: Definitions) -> Data:
        """Return the JSON Schema of the values."""

    @abstractmethod
    def load(self, value: Any, path: str) -> Any:
        """Return the object that a value of a program stands for.

        Raises:
            ConversionError: it stands for none.
        """

    @abstractmethod
    def dump(self, value: Any, path: str) -> Any:
        """Return the value of a program that stands for an object: what JSON can say.

        Raises:
            ConversionError: the object is not of this type.
        """

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        """Return the codec of the objects within bounds.

        Raises:
            PythonTypeError: such bounds say nothing about this type.
        """
        if not bounds.names:
            return self
        raise PythonTypeError(where, f"{', '.join(bounds.names)} does not bound this type")


def unknown_type(name: str, where: str, more: str = "") -> PythonTypeError:
    """Return the error for a type that nothing stands for."""
    return PythonTypeError(
        where,
        f"no constraint stands for {name}; use a dataclass, or Annotated[..., constraint]{more}",
    )


def inner(path: str, key: str | int) -> str:
    """Return the path of a part of what is at ``path``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def expected(path: str, what: str, value: object) -> ConversionError:
    """Return the error for a value that is not ``what``."""
    return ConversionError(path, f"must be {what}, not {shown(value)}")


def shown(value: object) -> str:
    """Return a value as an error shows it: short, texts and numbers themselves."""
    if value is None:
        return "none"
    if isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= 40 else text[:37] + "..."
    if isinstance(value, Mapping):
        return "a record"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a {type(value).__name__}"
