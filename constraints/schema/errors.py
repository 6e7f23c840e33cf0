"""The one error of this package, and how places are named."""

from __future__ import annotations

from typing import Any

from sglc.constraints.work import AutomatonTooLarge


class SchemaError(ValueError):
    """A schema that is wrong, or asks for what no machine here can enforce.

    ``pointer`` is the JSON pointer of the keyword as a URI fragment, ``hint`` the way out.
    """

    def __init__(self, message: str, pointer: str, hint: str = "") -> None:
        shown = pointer if len(pointer) < 200 else f"{pointer[:100]}...{pointer[-90:]}"
        super().__init__(f"{shown}: {message}" + (f"; {hint}" if hint else ""))
        self.message = message
        self.pointer = pointer
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.pointer, self.hint)


def too_large(error: AutomatonTooLarge, pointer: str) -> SchemaError:
    """What is told of an automaton that grew out of its bounds."""
    return SchemaError(
        f"this needs an automaton of more than {error.max_states} states, or the work of as many",
        pointer,
        "use fewer constants, smaller counts, a `maxLength` or a narrower pattern",
    )


def escape_token(token: str) -> str:
    """A key or an index as a step of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")
