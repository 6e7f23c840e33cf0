"""What a host function is annotated with: values become objects on the way in, and back."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sglc.constraints.python import ConversionError, PythonTypeError, plain_value
from sglc.constraints.python.codec import Codec
from sglc.constraints.python.resolve import codec_of

_AS_THEY_ARE: Final = (
    str, int, float, bool, type(None), Any, object, list, dict, tuple, bytes,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HostTypes:
    """Codecs of the parameters, and of the result, that are more than plain values."""

    params: Mapping[str, Codec] = field(default_factory=dict)
    result: Codec | None = None

    @classmethod
    def of(cls, function: Callable[..., Any]) -> HostTypes:
        """Read the annotations. What no constraint stands for is passed on as it is."""
        try:
            hints = typing.get_type_hints(_annotated(function), include_extras=True)
        except (NameError, TypeError, AttributeError):
            return cls()  # names that only a type checker knows, or nothing to read
        found = {name: codec for name, hint in hints.items() if (codec := _codec(hint))}
        result = found.pop("return", None)
        return cls(found, result)

    def given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the function wants them.

        Raises:
            ConversionError: one of them is no such object; names the parameter.
        """
        return {
            name: self.params[name].load(value, name) if name in self.params else value
            for name, value in arguments.items()
        }

    def value(self, result: Any) -> Any:
        """Return what the function gave as a value of a program.

        An object of another class than the annotation's becomes what it is without one.
        """
        if self.result is not None:
            try:
                return self.result.dump(result, "")
            except ConversionError:
                pass  # the declared type of the tool says what is wrong with it
        return plain_value(result)


def _annotated(function: Callable[..., Any]) -> Callable[..., Any]:
    """What holds the annotations: of an object that is called, its method."""
    function = inspect.unwrap(function)
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    method: Callable[..., Any] = getattr(type(function), "__call__", function)  # noqa: B004
    return method


def _codec(hint: Any) -> Codec | None:
    if any(hint is plain for plain in _AS_THEY_ARE):
        return None
    try:
        return codec_of(hint)
    except PythonTypeError:
        return None
