"""What can be asked of every constraint, and how constraints are combined.

The base of ``types.Type``: the types of the language are the constraints. Machines are made when
first asked for and kept.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from sglc.constraints.machine import Machine
    from sglc.constraints.types import Both, Concat, Sized, Type, Union, Without


class Members:
    """A set of texts. ``a + b``, ``a | b`` and ``a & b`` are concatenation, union, intersection.

    All methods raise what making the machine raises: ``ValueError`` for what no model can write,
    and its kinds ``RegexError``, ``SchemaError``, ``GrammarError`` and ``AutomatonTooLarge``.
    """

    __slots__ = ()

    def accepts(self, text: str | bytes) -> bool:
        """Whether ``text`` is a member. Bytes that are not UTF-8 and half surrogates are not."""
        from sglc.constraints.values import is_member

        return is_member(self._type, text)

    def prefix_ok(self, text: str | bytes) -> bool:
        """Whether some member begins with ``text``, which may end inside of a character.

        What is checked only after generation is not known here: see ``explain``.
        """
        data = _encoded(text)
        return data is not None and self.machine.prefix_ok(data)

    def forced(self, after: str | bytes = b"") -> bytes:
        """The bytes with which every member that begins with ``after`` goes on.

        May end inside of a character; empty where there is a choice, where a member may end, and
        where no member begins with ``after``.
        """
        data, machine = _encoded(after), self.machine
        return b"" if data is None else machine.forced(machine.run(machine.start, data))

    def shortest(self) -> bytes | None:
        """The first, in byte order, of the shortest members; None if there is no member."""
        machine = self.machine
        return machine.completion(machine.start) if machine.start else None

    def longest(self) -> bytes | None:
        """The first, in byte order, of the longest members; None if there is no longest one."""
        return self.machine.longest()

    @property
    def states(self) -> int:
        """How many states the machine has, the dead one included.

        A minimal automaton has them all; a pushdown machine those that were met so far.
        """
        return self.machine.num_states

    @property
    def machine(self) -> Machine:
        """The recogniser that decoding runs."""
        from sglc.constraints.build import language

        return language(self._type)

    def explain(self) -> str:
        """A page of text: what is enforced, how, and what is checked only after generation."""
        from sglc.constraints.explain import explain

        return explain(self._type)

    def parse(self, text: str) -> Any:
        """The value that a member stands for.

        Raises:
            ValueError: ``text`` is not a member; says where it goes wrong.
        """
        from sglc.constraints.values import parse

        return parse(self._type, text)

    def without(self, *texts: str) -> Without:
        """The members that contain none of ``texts``: stop strings, say.

        Raises:
            TypeError: one of ``texts`` is no text.
            ValueError: one is empty.
        """
        from sglc.constraints.types import Without

        if not all(isinstance(text, str) for text in texts):
            raise TypeError(f"a member may be kept free of texts, not of {texts!r}")
        if not all(texts):
            raise ValueError("every text contains the empty one")
        return Without(self._type, tuple(dict.fromkeys(texts)))

    def sized(
        self,
        *,
        min_chars: int = 0,
        max_chars: int | None = None,
        max_tokens: int | None = None,
    ) -> Sized:
        """The members of a given length.

        Characters are counted in the text. ``max_tokens`` does not change what is a member: it
        bounds what the model writes for it, as ``max_tokens`` of a ``gen`` does.

        Raises:
            ValueError: a bound is below 0, or the least above the most.
        """
        from sglc.constraints.types import Sized

        if min_chars < 0 or (max_chars is not None and max_chars < min_chars):
            raise ValueError(f"no text has from {min_chars} to {max_chars} chars")
        if max_tokens is not None and max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
        return Sized(self._type, min_chars, max_chars, max_tokens)

    def __add__(self, other: Type) -> Concat:
        from sglc.constraints.types import Concat, Type

        if not isinstance(other, Type):
            return NotImplemented
        return Concat((*_flat(self._type, Concat), *_flat(other, Concat)))

    def __or__(self, other: Type) -> Union:
        from sglc.constraints.types import Type, Union

        if not isinstance(other, Type):
            return NotImplemented
        parts = (*_flat(self._type, Union), *_flat(other, Union))
        return Union(tuple(dict.fromkeys(parts)))

    def __and__(self, other: Type) -> Both:
        from sglc.constraints.types import Both, Type

        if not isinstance(other, Type):
            return NotImplemented
        return Both((*_flat(self._type, Both), *_flat(other, Both)))

    @property
    def _type(self) -> Type:
        return cast("Type", self)


def _flat(type_: Type, kind: type[Type]) -> tuple[Type, ...]:
    """The parts of a type of this kind; any other type as its only part."""
    if not isinstance(type_, kind):
        return (type_,)
    parts: tuple[Type, ...] = getattr(type_, fields(type_)[0].name)
    return parts


def _encoded(text: str | bytes) -> bytes | None:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
