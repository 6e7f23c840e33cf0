"""Python types as constraints, and the way between objects of Python and values of programs.

    as_constraint(Order)            what a model may write for an Order
    as_python(Order, {"id": 3})     Order(id=3)
    as_value(Order, Order(id=3))    {"id": 3}

Known are str, int, float, bool, None, Literal, Enum, unions, lists, tuples, sets, ``dict[str, T]``,
dataclasses, TypedDicts, NamedTuples, ``Annotated`` bounds and constraints, and, where Pydantic is
installed, its models and every type it has a JSON Schema for. Classes may recur.
"""

from __future__ import annotations

from typing import Any

from sglc.constraints.python.codec import ConversionError, PythonTypeError
from sglc.constraints.python.plain import plain_value
from sglc.constraints.python.resolve import codec_of
from sglc.constraints.python.written import schema_data
from sglc.constraints.types import Type

__all__ = [
    "ConversionError",
    "PythonTypeError",
    "as_constraint",
    "as_python",
    "as_value",
    "json_schema_of",
    "plain_value",
]


def as_constraint(type_: Any) -> Type:
    """Return the constraint that a Python type stands for; a constraint stands for itself.

    Raises:
        PythonTypeError: nothing stands for it; names the field and the way out.
    """
    return codec_of(type_).type()


def as_python(type_: Any, value: Any) -> Any:
    """Return the object of a Python type that a value of a program stands for.

    Raises:
        PythonTypeError: as ``as_constraint``.
        ConversionError: the value stands for none; names the place inside of it.
    """
    return codec_of(type_).load(value, "")


def as_value(type_: Any, value: Any) -> Any:
    """Return the value of a program that an object of a Python type is.

    Raises:
        PythonTypeError: as ``as_constraint``.
        ConversionError: the object is not of the type; names the place inside of it.
    """
    return codec_of(type_).dump(value, "")


def json_schema_of(type_: Any) -> dict[str, Any]:
    """Return the JSON Schema of what a model may write for a Python type.

    Raises:
        PythonTypeError: as ``as_constraint``; or the type holds a constraint that no schema says.
    """
    return schema_data(codec_of(type_))
