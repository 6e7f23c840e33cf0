"""JSON Schemas of Pydantic's types as a model is to write them: closed, and all that is read.

Every field is there and no other one. What Pydantic says in a way of its own (dates, Decimals,
addresses) is said by patterns; what no schema says is refused.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Any, Final

from sglc.constraints.python.codec import Bounds, Data, PythonTypeError
from sglc.constraints.python.constants import unread_member
from sglc.constraints.python.spelled import SPELLED
from sglc.constraints.python.spellings import (
    AWARE_TIME,
    DATE,
    DURATION,
    NAIVE_TIME,
    TIME,
    UUID_VERSIONS,
    decimals,
    web_address,
)
from sglc.constraints.python.written import Written


class UnwritableError(Exception):
    """No JSON Schema says what Pydantic reads; the message says why, and the way out."""


def closed_schema(adapter: Any, ref_template: str) -> Data:
    """Return the schema of a ``TypeAdapter``; references are written as the template says.

    Raises:
        UnwritableError: there is none.
    """
    data: Data = adapter.json_schema(ref_template=ref_template, schema_generator=_generator())
    plain: Data = _plain(data)
    return plain


def _plain(data: Any) -> Any:
    """The schema with the formats that only Pydantic knows written as patterns, or left out."""
    if isinstance(data, list):
        return [_plain(item) for item in data]
    if not isinstance(data, dict):
        return data
    made = {key: _plain(item) for key, item in data.items()}
    if made.get("type") == "string" and made.get("format") in _ANY_TEXT:
        del made["format"]
    elif made.get("type") == "string" and made.get("format") in UUID_VERSIONS:
        made["pattern"] = f"^{UUID_VERSIONS[made.pop('format')]}$"
    return made


_ANY_TEXT: Final = frozenset({"path", "file-path", "directory-path", "binary", "password"})
_LIMITS: Final = ("ge", "gt", "le", "lt", "multiple_of")
_INTEGERS: Final = "^(?:0|-?[1-9][0-9]*)$"


def _limits(schema: Any) -> Data:
    """The limits of a core schema that are set."""
    return {name: schema[name] for name in _LIMITS if schema.get(name) is not None}


def _refuse_limits(schema: Any, kind: str, way_out: str) -> None:
    found = _limits(schema)
    if found:
        raise UnwritableError(f"{', '.join(found)} of a {kind} cannot be enforced; {way_out}")


def _text(pattern: str) -> Data:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def _zoned(schema: Any, kind: str) -> str:
    """The pattern of times that a core schema takes: with a zone, without, or either."""
    _refuse_limits(schema, kind, _IN_A_VALIDATOR)
    zone = schema.get("tz_constraint")
    if isinstance(zone, int):
        raise UnwritableError(f"the one zone of a {kind} cannot be enforced; {_IN_A_VALIDATOR}")
    return {"aware": AWARE_TIME, "naive": NAIVE_TIME}.get(zone or "", TIME)


_IN_A_VALIDATOR: Final = "check it in a validator"


@lru_cache(maxsize=1)
def _generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Closed(GenerateJsonSchema):
        """Schemas of what a model writes: every field, and no other one unless it says so."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

        def field_is_required(self, field: Any, total: bool) -> bool:
            if field["type"] == "typed-dict-field":
                return bool(super().field_is_required(field, total))
            return True

        def decimal_schema(self, schema: Any) -> Data:
            _refuse_limits(schema, "Decimal", "make it a field of a model, or a float")
            return _text(decimals(schema.get("max_digits"), schema.get("decimal_places")))

        def date_schema(self, schema: Any) -> Data:
            limits = Bounds(**_limits(schema))
            try:
                return SPELLED[datetime.date].bounded(limits, "date").schema(Written())
            except PythonTypeError as error:
                raise UnwritableError(str(error)) from None

        def datetime_schema(self, schema: Any) -> Data:
            return _text(f"{DATE}T{_zoned(schema, 'datetime')}")

        def time_schema(self, schema: Any) -> Data:
            return _text(_zoned(schema, "time"))

        def timedelta_schema(self, schema: Any) -> Data:
            _refuse_limits(schema, "timedelta", _IN_A_VALIDATOR)
            return _text(DURATION)

        def url_schema(self, schema: Any) -> Data:
            data: Data = super().url_schema(schema)
            schemes = schema.get("allowed_schemes")
            if not schemes:
                return data
            del data["format"]
            data.pop("maxLength", None)  # the pattern keeps to it
            return data | _text(web_address(schemes))

        def multi_host_url_schema(self, schema: Any) -> Data:
            return self.url_schema(schema)

        def literal_schema(self, schema: Any) -> Data:
            reason = unread_member(schema["expected"])
            if reason is not None:
                raise UnwritableError(reason)
            data: Data = super().literal_schema(schema)
            return data

        def complex_schema(self, schema: Any) -> Data:
            raise UnwritableError("a complex number has no JSON form; use two floats")

        def json_schema(self, schema: Any) -> Data:
            raise UnwritableError("JSON is written as it is; use the type inside of `Json[...]`")

        def dict_schema(self, schema: Any) -> Data:
            data: Data = super().dict_schema(schema)
            keys = schema.get("keys_schema") or {"type": "any"}
            if keys["type"] == "int" and not _limits(keys):
                return data | {"propertyNames": {"pattern": _INTEGERS}}
            if keys["type"] in ("int", "float", "bool", "tuple", "decimal"):
                raise UnwritableError("keys of JSON are texts; use a list of pairs")
            if "patternProperties" in data:
                data["additionalProperties"] = False
            return data

        def model_schema(self, schema: Any) -> Data:
            return _closed(super().model_schema(schema))

        def dataclass_schema(self, schema: Any) -> Data:
            return _closed(super().dataclass_schema(schema))

        def typed_dict_schema(self, schema: Any) -> Data:
            return _closed(super().typed_dict_schema(schema))

    return Closed


def _closed(data: Data) -> Data:
    if "properties" in data or data.get("type") == "object":
        data.setdefault("additionalProperties", False)
    return data
