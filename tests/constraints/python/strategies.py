"""Python types, and texts that a model may write for them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import random
import typing
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import annotated_types
import pydantic
from hypothesis import strategies as st

from sglc.constraints import choices, regex
from sglc.constraints import types as t
from sglc.constraints.language import language

T = typing.TypeVar("T")
DAY = datetime.date(2019, 9, 30)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 5


class Word(str, enum.Enum):  # noqa: UP042  # the form that older code has
    YES = "yes"
    NO = "no"


@dataclasses.dataclass
class Node:
    value: int
    children: list[Node]
    next: Node | None = None


class Partial(typing.TypedDict, total=False):
    a: int
    b: typing.Required[str]


class Pair(typing.NamedTuple):
    left: int
    right: str = "r"


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int = pydantic.Field(ge=0, lt=10)


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    name: str = pydantic.Field(pattern="^[A-Z][a-z]+$", max_length=8)


class Zoo(pydantic.BaseModel):
    pets: list[Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]] = pydantic.Field(
        min_length=1, max_length=2
    )
    opened: datetime.date | None = None
    price: Decimal = pydantic.Field(max_digits=6, decimal_places=2, ge=0)
    short: str = pydantic.Field(alias="short name", default="s", min_length=1)
    color: Color = Color.RED
    score: float = pydantic.Field(gt=0, le=1)
    pair: tuple[int, str] = (1, "a")
    counts: dict[str, int] = {}
    inner: Pair = Pair(1)
    node: Node | None = None


class Tree(pydantic.BaseModel):
    value: int
    children: list[Tree] = []
    note: str | None = pydantic.Field(default=None, alias="Note")


class Strict(pydantic.BaseModel, strict=True):
    at: datetime.datetime
    ident: uuid.UUID
    kinds: frozenset[Color]


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Open(pydantic.BaseModel, extra="allow"):
    a: int


@pydantic.dataclasses.dataclass
class Checked:
    amount: Annotated[int, annotated_types.Ge(2)]
    label: str = "x"


class Part(pydantic.BaseModel):
    """It recurs, and has what JSON Schemas of Pydantic do not say."""

    price: Decimal = pydantic.Field(ge=1, max_digits=5, decimal_places=2)
    since: Annotated[datetime.date, annotated_types.Interval(ge=DAY, lt=datetime.date(2031, 3, 1))]
    lead: datetime.timedelta
    page: pydantic.HttpUrl | None
    ident: pydantic.UUID4
    seen: pydantic.AwareDatetime
    counts: dict[int, str] = {}
    marks: dict[Annotated[str, pydantic.Field(pattern="^[a-z]$")], int] = {}
    parts: list[Part] = pydantic.Field(default_factory=list, max_length=2)


@pydantic.dataclasses.dataclass
class Paid:
    amount: Annotated[Decimal, pydantic.Field(max_digits=4)]
    share: Annotated[Decimal, pydantic.Field(decimal_places=1)]
    day: Annotated[datetime.date, pydantic.Field(gt=DAY)]
    at: pydantic.NaiveDatetime
    wait: datetime.timedelta


class Trimmed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(
        str_max_length=3, str_strip_whitespace=True, validate_by_alias=False, validate_by_name=True
    )

    text: str = pydantic.Field(alias="Text", min_length=1)
    texts: list[str] = pydantic.Field(default_factory=list, max_length=2)


@dataclasses.dataclass
class Holder(typing.Generic[T]):
    held: T
    more: list[T]


@dataclasses.dataclass(slots=True, kw_only=True)
class Named(Holder[Color]):
    name: str


_LEAVES = st.sampled_from(
    [
        str, int, float, bool, type(None), datetime.date, datetime.datetime, datetime.time,
        uuid.UUID, Decimal, Color, Level, Word, Literal["a", "b", 3, True], Literal[1, None],
        Annotated[int, annotated_types.Interval(gt=2, le=40)],
        Annotated[int, annotated_types.MultipleOf(3), annotated_types.Lt(100)],
        Annotated[float, annotated_types.Ge(0.5), annotated_types.Lt(2)],
        Annotated[str, annotated_types.Len(1, 4)],
        Annotated[str, pydantic.Field(pattern=r"^\d{2}-[a-c]*$", max_length=6)],
        Annotated[str, pydantic.Field(pattern=r"b|c$")],
        Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=2)],
        Annotated[str, regex("[a-z]{2,3}")], choices(["left", "right"]), t.Int(1, 9),
        Node, Partial, Pair, Cat, Dog, Zoo, Tree, Strict, Numbers, Open, Checked,
        Part, Paid, Trimmed, Named, Holder[int], datetime.timedelta, tuple[()],
    ]
)  # fmt: skip


@st.composite
def dataclasses_of(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> Any:
    """A dataclass of up to three fields."""
    hints = draw(st.lists(inner, max_size=3))
    names = ["first", "second", "third"]
    alias = dataclasses.field(metadata={"alias": "third one"})
    fields: list[Any] = [(names[i], hint) for i, hint in enumerate(hints[:2])]
    fields += [("third", hints[2], alias)] if len(hints) == 3 else []
    return dataclasses.make_dataclass("Made", fields)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda x: list[x]),  # type: ignore[valid-type]
        inner.map(lambda x: Annotated[list[x], annotated_types.Len(1, 3)]),  # type: ignore[valid-type]
        inner.map(lambda x: tuple[x, ...]),  # type: ignore[valid-type]
        st.lists(inner, min_size=1, max_size=3).map(lambda xs: tuple[tuple(xs)]),  # type: ignore[misc]
        inner.map(lambda x: dict[str, x]),  # type: ignore[valid-type]
        inner.map(lambda x: typing.Optional[x]),  # noqa: UP045
        st.lists(inner, min_size=1, max_size=3).map(lambda xs: typing.Union[tuple(xs)]),  # noqa: UP007
        dataclasses_of(inner),
    )


HINTS = st.recursive(_LEAVES, _compound, max_leaves=4)


def random_text(type_: t.Type, rng: random.Random, steps: int = 80) -> str:
    """A text of a language: a random walk that heads for the nearest end after ``steps`` bytes."""
    machine = language(type_)
    state, out = machine.start, bytearray()
    while True:
        edges = [(byte, machine.step(state, byte)) for byte in range(256)]
        edges = [(byte, target) for byte, target in edges if target]
        ends = machine.is_accepting(state)
        if ends and (not edges or rng.random() < 0.3):
            return out.decode()
        if len(out) > steps:
            return (bytes(out) + machine.completion(state)).decode()
        plain = [edge for edge in edges if edge[0] < 128 and edge[0] != 0x5C]
        byte, state = rng.choice(plain if plain and rng.random() < 0.95 else edges)
        out.append(byte)
