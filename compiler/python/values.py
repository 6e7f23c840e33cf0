"""What is known of the values of a function while it is lowered.

The environment maps keys to values: ``("name", frame, x)`` a local of a function, ``("stream", n)``
the version of state ``n``, ``("var", n, x)`` what is called ``x`` in it, ``("role", n)`` the role
of the message that is open there, ``("effect",)`` the last host statement. It is joined where ways
meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sglc.compiler.ir.op import Literal as IrLiteral
from sglc.compiler.ir.op import Operand, Value
from sglc.compiler.ir.values import ANY, BOOL, EFFECT, INT, NUMBER, STR, STREAM, ValueType
from sglc.compiler.python.pieces import Piece
from sglc.compiler.python.reasons import Unsupported

Kind = Literal["str", "int", "bool", "float", "any", "cell", "none", "stream", "effect"]
Key = tuple[str | int, ...]
EFFECT_KEY: Final[Key] = ("effect",)

IR_TYPES: Final[Mapping[str, ValueType]] = {
    "str": STR,
    "int": INT,
    "bool": BOOL,
    "float": NUMBER,
    "any": ANY,
    "cell": ANY,
    "none": ANY,
    "stream": STREAM,
    "effect": EFFECT,
}
_KINDS: Final[Mapping[type, Kind]] = {
    str: "str",
    int: "int",
    bool: "bool",
    float: "float",
    type(None): "none",
}


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A value that is known: a text, a number, a truth value or None.

    Equal are those that Python cannot tell apart: 1, 1.0 and True are three, 0.0 and -0.0 two.
    """

    value: str | int | float | bool | None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Const) or type(self.value) is not type(other.value):
            return False
        return self.value == other.value and str(self.value) == str(other.value)

    def __hash__(self) -> int:
        return hash(self.value)


NO_CALL: Final = -1


@dataclass(frozen=True, slots=True)
class Data:
    """A value of the graph. ``any``: what it is in Python is not known, it may be in a box.
    ``cell``: the same, or a mark that the name is not set.

    ``may_miss``: on some ways it was never set; then it is none. ``sites`` are the model calls that
    may have written it.
    """

    value: Value
    kind: Kind
    may_miss: bool = False
    sites: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class StateRef:
    """A state, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class GroupRef:
    """The children of a fork, by their numbers; ``number`` is that of the fork."""

    number: int
    parent: int
    states: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Something to append that stands in a name."""

    items: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values: what joined forks have called by one name."""

    items: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that must not be read here: ``reason`` says why."""

    reason: str


Known = Const | Data | StateRef | GroupRef | Pieces | Items | Lost


class Env:
    """What is known at a point of the function. ``ended``: no way leads behind it."""

    def __init__(self, slots: Mapping[Key, Known] | None = None) -> None:
        self.slots: dict[Key, Known] = dict(slots or {})
        self.ended = False

    def copy(self) -> Env:
        """Return what is known here, for a way that leads from here."""
        return Env(self.slots)

    def __getitem__(self, key: Key) -> Known:
        return self.slots[key]

    def __setitem__(self, key: Key, known: Known) -> None:
        self.slots[key] = known

    def get(self, key: Key) -> Known | None:
        """Return what is known of a key; None if nothing is."""
        return self.slots.get(key)

    def stream(self, number: int) -> Value:
        """The version of a state."""
        found = self.slots[("stream", number)]
        assert isinstance(found, Data)
        return found.value

    def variables(self, number: int) -> dict[str, Known]:
        """What is named in a state."""
        return {
            str(key[2]): known
            for key, known in self.slots.items()
            if key[0] == "var" and key[1] == number
        }


def kind_of(known: Known) -> Kind:
    """The kind of a value that can be an operand."""
    if isinstance(known, Data):
        return known.kind
    if isinstance(known, Const):
        return _KINDS[type(known.value)]
    return "any"


def is_scalar(value: object) -> bool:
    """Whether a Python value can stand in the graph as it is."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) in _KINDS


def operand_of(known: Known) -> Operand:
    """The operand that gives a value.

    Raises:
        Unsupported: it has none.
    """
    if isinstance(known, Data):
        return known.value
    if isinstance(known, Const):
        return IrLiteral(known.value)
    raise Unsupported("what stands in a name is a state here, or not known")


def joined_kind(kinds: Iterable[Kind]) -> Kind:
    """The kind of a value that is one of several."""
    found = dict.fromkeys(kinds)
    if len(found) == 1:
        return next(iter(found))
    return "cell" if "cell" in found else "any"


def is_operand(known: Known | None) -> bool:
    """Whether a value can be handed on by a region."""
    return isinstance(known, Const | Data)


def join_keys(ends: list[Env]) -> tuple[dict[Key, Kind], dict[Key, Known]]:
    """Return what differs between ways that meet: what is handed on, by kind; and what is lost."""
    handed: dict[Key, Kind] = {}
    lost: dict[Key, Known] = {}
    keys = dict.fromkeys(key for env in ends for key in env.slots)
    for key in keys:
        found = [env.get(key) for env in ends]
        if all(known == found[0] for known in found):
            continue
        if key[0] == "role" and None not in found:
            raise Unsupported("a message is open on one way that leads here, and not on another")
        there = [known for known in found if known is not None]
        if not all(map(is_operand, there)):
            lost[key] = next((k for k in there if isinstance(k, Lost)), Lost(_DIFFERS))
            continue
        kinds = [kind_of(known) for known in there]
        if key == EFFECT_KEY:
            handed[key] = "effect"
            continue
        misses = len(there) < len(found) or any(isinstance(k, Data) and k.may_miss for k in there)
        if misses and key[0] not in ("name", "var"):
            lost[key] = Lost(_DIFFERS)
        elif misses and not {"any", "cell", "none"}.isdisjoint(kinds):
            lost[key] = Lost(_MAY_MISS)
        else:
            handed[key] = joined_kind(kinds)
    return handed, lost


def made_inside(before: Env, end: Env) -> tuple[dict[Key, Kind], dict[Key, Known]]:
    """Return what the only way out of a choice hands on, by kind; and what is lost."""
    handed: dict[Key, Kind] = {}
    lost: dict[Key, Known] = {}
    for key, known in end.slots.items():
        if known == before.get(key):
            continue
        if isinstance(known, Data):
            handed[key] = known.kind
        elif isinstance(known, Items):
            lost[key] = Lost(_DIFFERS)
    return handed, lost


def misses(env: Env, key: Key) -> bool:
    """Whether a value may not be set at the end of a way."""
    known = env.get(key)
    return known is None or (isinstance(known, Data) and known.may_miss)


def handed_type(kind: Kind, *, may_miss: bool) -> ValueType:
    """The type of a value that a region hands on."""
    type_ = IR_TYPES[kind]
    return type_.as_optional() if may_miss else type_


def handed_operand(env: Env, key: Key) -> Operand:
    """What a way hands on for a key; none where it is not set."""
    known = env.get(key)
    return IrLiteral(None) if known is None else operand_of(known)


def sites_of(envs: Iterable[Env], key: Key) -> frozenset[int]:
    """The model calls that may have written a value on ways that meet.

    ``NO_CALL`` is among them if on other ways none has.
    """
    found: set[int] = set()
    for env in envs:
        known = env.get(key)
        if known is not None:
            found |= (isinstance(known, Data) and known.sites) or {NO_CALL}
    return frozenset() if found == {NO_CALL} else frozenset(found)


_DIFFERS: Final = "it is a different state, or different text to append, on the ways that lead here"
_MAY_MISS: Final = "it may not be set here"
