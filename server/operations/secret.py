"""A text that is not to be seen in logs, replies or tracebacks."""

from __future__ import annotations


class Secret:
    """Holds a text; whatever prints or serialises the holder gets stars."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("a secret does not leave its process")

    def __deepcopy__(self, memo: object) -> Secret:
        return self
