"""Which constraint a Python type is, what its objects are, and what is refused with which words."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import subprocess
import sys
import typing
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

import annotated_types
import pydantic
import pytest
import typing_extensions
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints import regex
from sglc.constraints.python import (
    ConversionError,
    PythonTypeError,
    as_constraint,
    as_python,
    as_value,
    plain_value,
)

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Item:
    name: str
    price: float = 1.5
    tags: list[str] = dataclasses.field(default_factory=list)
    kind: str = dataclasses.field(default="x", metadata={"alias": "item kind"})


@dataclasses.dataclass
class Box(Generic[T]):
    item: T
    rest: list[T]


@dataclasses.dataclass
class Even:
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("it is odd")


@dataclasses.dataclass
class Few(Box[int]):
    name: str


@dataclasses.dataclass
class Once:
    n: int
    seed: dataclasses.InitVar[int] = 0


@dataclasses.dataclass
class Seeded:
    n: int
    seed: dataclasses.InitVar[int]


class Point(NamedTuple):
    x: int
    y: int = 0


class Row(TypedDict):
    a: int
    b: typing.NotRequired[str]


class Order(pydantic.BaseModel):
    id: int = pydantic.Field(ge=1, alias="Order ID")
    lines: list[Item]


class Grown(Order):
    note: str | None = None


@pytest.mark.parametrize(
    ("hint", "written"),
    [
        (str, "str"),
        (float, "number"),
        (int | None, "int?"),
        (typing.Union[int, str, None], "(int | str)?"),  # noqa: UP007
        (Literal["a", "b"], '"a" | "b"'),
        (Literal["a", 2, None], '("a" | int(2..2))?'),
        (Color, '"red" | "blue"'),
        (list, "list[json]"),
        (Sequence[int], "list[int]"),
        (tuple[int, int], "list[int](min=2, max=2)"),
        (Annotated[int, annotated_types.Interval(gt=2, le=9)], "int(3..9)"),
        (Annotated[str, annotated_types.Len(1, 5), "a note"], "str(min=1, max=5)"),
        (Annotated[str, pydantic.Field(pattern="^[a-z]+$")], "/[a-z]+/"),
        (Annotated[str, pydantic.Field(pattern="a|b$")], r"/[\s\S]*(?:a|b\Z)[\s\S]*/"),
        (Annotated[list[int], pydantic.Field(min_length=1)], "list[int](min=1)"),
        (Annotated[str, regex("[ab]+")], "/[ab]+/"),
        (Item, '{name: str, price: number = 1.5, tags: list[str] = [], "item kind": str = "x"}'),
        (Box[int], "{item: int, rest: list[int]}"),
        (Point, "{x: int, y: int = 0}"),
        (pydantic.create_model("Small", n=(int, 3), s=(str, ...)), "{n: int = 3, s: str}"),
        (Few, "{item: int, rest: list[int], name: str}"),
        (Once, "{n: int}"),
    ],
)
def test_notation(hint: Any, written: str) -> None:
    assert str(as_constraint(hint)) == written


def test_a_value_becomes_an_object_and_back() -> None:
    value = {"name": "pen", "price": 2, "tags": ["a"], "item kind": "k"}
    item = as_python(Item, value)
    assert item == Item("pen", 2.0, ["a"], "k")
    assert isinstance(item.price, float)
    assert as_value(Item, item) == value
    assert as_python(Item, {"name": "pen"}) == Item("pen")
    order = as_python(Order, {"Order ID": 3, "lines": [value]})
    assert isinstance(order, Order)
    assert order.lines == [item]
    assert as_python(set[Color], ["red", "red"]) == {Color.RED}
    assert as_value(set[Color], {Color.RED, Color.BLUE}) == ["blue", "red"]
    assert as_python(Point, {"x": 1, "y": 2}) == (1, 2)
    assert as_python(int | float, 3) == 3
    assert isinstance(as_python(float | int, 3), int)
    assert as_python(Literal[1, True], True) is True


def test_the_order_of_a_union_counts() -> None:
    assert as_constraint(int | str).parse("5") == 5
    assert as_constraint(str | int).parse("5") == "5"
    assert str(as_constraint(list[str | int])) == "list[str | int]"
    assert str(as_constraint(list[int | str])) == "list[int | str]"


def test_a_union_keeps_the_class_of_an_object() -> None:
    cat = pydantic.create_model("Cat", name=(str, ...))
    dog = pydantic.create_model("Dog", name=(str, ...), age=(int, 0))
    assert as_value(cat | dog, dog(name="Rex", age=3)) == {"name": "Rex", "age": 3}


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (Item, {"price": 1}, "`name`: is missing in Item"),
        (Item, {"name": "a", "tags": ["a", 3]}, r"`tags\[1\]`: must be a text, not 3"),
        (Item, {"name": "a", "prise": 1}, "`prise`: Item has no such field"),
        (list[Even], [{"number": 2}, {"number": 3}], r"`\[1\]`: Even refuses it: it is odd"),
        (Order, {"Order ID": 0, "lines": []}, "`Order ID`: Input should be greater than or equal"),
        (dict[str, int], {"a": True}, "`a`: must be an integer, not True"),
        (Color, "green", r"a Color \('red', 'blue'\), not 'green'"),
        (int | list[int], "x", "none of the 2 alternatives: must be an integer"),
        (tuple[int, str], [1], "must have 2 items, not 1"),
        (Annotated[int, annotated_types.Ge(3)], 2, r"2 is out of range \(minimum 3\)"),
        (Annotated[str, pydantic.Field(pattern="b")], "aa", "'aa' does not match 'b'"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        as_python(hint, value)


def _model(hint: Any) -> Any:
    return pydantic.create_model("Made", x=(hint, ...))


class Bad(NamedTuple):
    inner: dict[int, str]


@dataclasses.dataclass
class Worse:
    rows: list[Bad]


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (Worse, r"`Bad.inner`: keys of JSON are texts, not int; use dict\[str, ...\] or a list"),
        (complex, "`complex`: complex has no JSON form; use a text"),
        (
            list["Nowhere"],  # noqa: F821
            "the name 'Nowhere' is not known",
        ),
        (T, "stands for any type; say which one"),
        (Annotated[str, annotated_types.Ge(3)], "`str`: ge does not bound a text"),
        (Annotated[int, annotated_types.Len(3)], "min_length does not bound a number"),
        (Annotated[int, annotated_types.Ge(3), annotated_types.Le(2)], "no integer is at least 3"),
        (Annotated[str, pydantic.Field(pattern=r"(a)\1x(")], "its pattern cannot be enforced"),
        (Annotated[int, annotated_types.Predicate(bool)], "cannot be enforced"),
        (enum.Enum("Objects", {"A": object()}), "has no JSON form; use texts, integers"),
        (tuple[str, Annotated[str, regex("a") + regex("b")]], "has no JSON Schema"),
        (Seeded, "`Seeded.seed`: its constructor needs what is no field of it; give it a default"),
        (type[int], r"no constraint stands for type\[int\]; use a dataclass, or Annotated"),
        (len, "no constraint stands for len; use a dataclass"),
        (Annotated[int, pydantic.Json], "use the type inside of `Json"),
        (_model(complex), "`Made.x`: a complex number has no JSON form; use two floats"),
        (_model(Literal[Color.RED]), r"`Made.x`: Pydantic reads no Color.RED from JSON; derive"),
        (_model(dict[float, int]), "`Made.x`: keys of JSON are texts; use a list of pairs"),
        (
            _model(Annotated[datetime.datetime, annotated_types.Ge(datetime.datetime.min)]),
            "`Made.x`: ge of a datetime cannot be enforced; check it in a validator",
        ),
        (
            pydantic.RootModel[Annotated[Decimal, pydantic.Field(ge=1)]],
            "ge of a Decimal cannot be enforced; make it a field of a model, or a float",
        ),
    ],
)
def test_a_type_without_a_constraint_is_refused_with_its_place(hint: Any, message: str) -> None:
    with pytest.raises(PythonTypeError, match=message):
        as_constraint(hint)


def test_a_key_that_need_not_be_there() -> None:
    type_ = as_constraint(Row)
    assert type_.accepts('{"a": 1}')
    assert type_.accepts('{"a": 1, "b": "x"}')
    assert not type_.accepts('{"b": "x"}')
    assert as_python(Row, {"a": 1}) == {"a": 1}


def test_models_are_closed_and_write_every_field() -> None:
    type_ = as_constraint(Grown)
    assert type_.accepts('{"Order ID": 1, "lines": [], "note": null}')
    assert not type_.accepts('{"Order ID": 1, "lines": []}')
    assert not type_.accepts('{"Order ID": 1, "lines": [], "note": null, "more": 1}')


def test_validators_run_on_what_was_written() -> None:
    even = Annotated[int, pydantic.AfterValidator(lambda n: n * 2)]
    assert str(as_constraint(even)) == "int"
    assert as_python(even, 4) == 8


def test_objects_without_a_type_become_plain_values() -> None:
    order = Order.model_validate({"Order ID": 1, "lines": [{"name": "pen"}]})
    item = {"name": "pen", "price": 1.5, "tags": [], "item kind": "x"}
    assert plain_value([order, Color.RED, Point(1), {2, 1}, (None,)]) == [
        {"Order ID": 1, "lines": [item]},
        "red",
        {"x": 1, "y": 0},
        [1, 2],
        [None],
    ]


def test_plain_types_need_no_pydantic() -> None:
    program = (
        "import sys; sys.modules['pydantic'] = None\n"
        "from dataclasses import dataclass\n"
        "from sglc.constraints.python import as_constraint, as_python, PythonTypeError\n"
        "@dataclass\nclass A:\n    x: int\n"
        "assert str(as_constraint(list[A])) == 'list[{x: int}]'\n"
        "assert as_python(A, {'x': 1}) == A(1)\n"
        "class Other: pass\n"
        "try: as_constraint(Other)\n"
        "except PythonTypeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "no constraint stands for Other; use a dataclass" in done.stdout, done.stderr


class Grade(enum.StrEnum):
    A = "a"


def test_defaults_that_only_the_class_can_make_are_made_by_it() -> None:
    hint = dataclasses.make_dataclass(
        "Made", [("x", int), ("y", list[int], dataclasses.field(default_factory=lambda: [7]))]
    )
    assert as_python(hint, {"x": 1}) == hint(1, [7])


def test_a_member_as_a_constant_of_a_model_comes_back_as_the_member() -> None:
    model = _model(Literal[Grade.A])
    assert as_python(model, {"x": "a"}).x is Grade.A


def test_secrets_are_read_and_not_said() -> None:
    model = _model(pydantic.SecretStr)
    made = as_python(model, {"x": "s3"})
    assert made.x.get_secret_value() == "s3"
    with pytest.raises(ConversionError, match="`x`: a secret is not said to a model; give its"):
        as_value(model, made)


def test_a_typed_dict_in_a_model_is_written() -> None:
    class Inner(typing_extensions.TypedDict):
        a: int

    model = _model(Inner)
    assert as_value(model, model(x={"a": 1})) == {"x": {"a": 1}}


def test_what_reads_a_class_that_recurs_takes_all_of_it() -> None:
    type_ = as_constraint(Chain)
    assert type_.accepts('{"value": 1, "rest": [{"value": 2, "rest": []}]}')
    made = as_python(Chain, {"value": 1, "rest": [{"value": 2, "rest": []}]})
    assert made == Chain(1, [Chain(2, [])])


@dataclasses.dataclass
class Chain:
    value: int
    rest: Annotated[list[Chain], pydantic.AfterValidator(list)]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("2019-12-31", False), ("2020-01-01", True), ("2029-10-09", True), ("2029-10-10", False)],
)
def test_dates_keep_to_their_bounds(text: str, is_one: bool) -> None:
    limits = annotated_types.Interval(gt=datetime.date(2019, 12, 31), le=datetime.date(2029, 10, 9))
    hint = Annotated[datetime.date, limits]
    assert as_constraint(hint).accepts(text) is is_one
    assert as_constraint(_model(hint)).accepts(f'{{"x": "{text}"}}') is is_one
    if not is_one:
        with pytest.raises(ConversionError, match=r"is before 2020-01-01|is after 2029-10-09"):
            as_python(hint, text)


@given(st.timedeltas(datetime.timedelta(-300_000_000), datetime.timedelta(300_000_000)))
def test_durations_are_written_as_pydantic_writes_them(value: datetime.timedelta) -> None:
    written = as_value(datetime.timedelta, value)
    assert written == pydantic.TypeAdapter(datetime.timedelta).dump_python(value, mode="json")
    assert as_python(datetime.timedelta, written) == value


def test_an_alias_that_names_itself_is_known() -> None:
    assert as_constraint(pydantic.JsonValue).accepts('[1, {"a": null}]')
    assert as_python(pydantic.JsonValue, [1, {"a": None}]) == [1, {"a": None}]


class Early(pydantic.BaseModel):
    late: Late | None = None
    lost: int = 1


class Late(pydantic.BaseModel):
    back: list[Early] = []


class Lost(pydantic.BaseModel):
    late: Nowhere  # noqa: F821  # that is the point


def test_models_find_classes_that_are_defined_behind_them() -> None:
    for value in ({"late": {"back": []}, "lost": 1}, {"late": None, "lost": 2}):
        assert as_value(Early, as_python(Early, value)) == value
    with pytest.raises(PythonTypeError, match="`Lost`: an annotation of Lost cannot be read: name"):
        as_constraint(Lost)
