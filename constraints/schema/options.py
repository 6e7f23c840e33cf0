"""How the values of a schema are written, and how much a compilation may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Draft = Literal["2020-12", "7"]


@dataclass(frozen=True, slots=True)
class SchemaOptions:
    """What a schema leaves open.

    ``order``: keys of ``properties`` as the schema lists them, or any order. Keys that the schema
    does not list come after them, in any order.
    ``layout``: ``spaced`` is ``json.dumps(value)``, ``compact`` has no blanks, a number is the
    ``indent`` of ``json.dumps``. There are no other blanks.
    ``formats``: ``enforce`` makes the known formats part of the language and refuses others,
    ``known`` enforces those that are known, ``annotate`` enforces none.
    ``draft``: of a schema that has no ``$schema``.
    """

    order: Literal["schema", "any"] = "schema"
    layout: Literal["spaced", "compact"] | int = "spaced"
    formats: Literal["enforce", "known", "annotate"] = "enforce"
    draft: Draft = "2020-12"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("order", self.order, ("schema", "any")),
            ("formats", self.formats, ("enforce", "known", "annotate")),
            ("draft", self.draft, ("2020-12", "7")),
        ):
            if value not in allowed:
                raise ValueError(f"{name}={value!r}: must be one of {', '.join(allowed)}")
        indent = self.layout
        if indent not in ("spaced", "compact") and (
            not isinstance(indent, int) or isinstance(indent, bool) or not 0 <= indent <= 16
        ):
            raise ValueError(f"layout={indent!r}: must be spaced, compact or an indent of 0 to 16")

    @property
    def indent(self) -> int | None:
        """Blanks per level, None if a value is one line."""
        return self.layout if isinstance(self.layout, int) else None

    @property
    def comma(self) -> str:
        """What is between two items or pairs of one line."""
        return ", " if self.layout == "spaced" else ","

    @property
    def colon(self) -> str:
        """What is between a key and its value."""
        return ":" if self.layout == "compact" else ": "

    def line(self, depth: int) -> str:
        """What is before an item ``depth`` levels deep."""
        return "" if self.indent is None else "\n" + " " * (self.indent * depth)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the work on one schema; past them it is refused.

    ``max_states``: of any automaton. ``max_branches``: of the alternatives of one position.
    ``max_edges``: of the graph of one array or object. ``max_rules``: positions that differ.
    ``max_count``: of characters, items or pairs that are counted.
    ``max_depth``: of references and applicators at one position, and of nested subschemas.
    """

    max_states: int = 100_000
    max_branches: int = 1_000
    max_edges: int = 200_000
    max_rules: int = 20_000
    max_count: int = 8_000
    max_depth: int = 60
