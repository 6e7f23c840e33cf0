"""JSON Schema to rules: the texts of the values that are valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sglc.constraints.calls import calls_of
from sglc.constraints.machine import Machine
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.schema.canonical import CanonicalWriter
from sglc.constraints.schema.circles import refuse_circles
from sglc.constraints.schema.errors import SchemaError, too_large
from sglc.constraints.schema.inlining import MAX_STATES_AT_ONCE, simplified, size
from sglc.constraints.schema.options import Limits, SchemaOptions
from sglc.constraints.schema.positions import Positions
from sglc.constraints.schema.report import Entry, Report, entries_of
from sglc.constraints.schema.resources import Resources
from sglc.constraints.syntax import Node
from sglc.constraints.work import AutomatonTooLarge


@dataclass(frozen=True, eq=False)
class CompiledSchema:
    """The rules of a schema.

    ``rules`` maps names to trees that may call each other; ``start`` is the name of the one for
    whole texts. ``report`` tells what became of each keyword. ``digest`` names the schema, what it
    refers to and how its values are written.
    """

    rules: dict[str, Node]
    start: str
    report: Report
    digest: str
    _positions: Positions = field(repr=False)
    _resources: Resources = field(repr=False)
    _options: SchemaOptions = field(repr=False)
    _limits: Limits = field(repr=False)

    @cached_property
    def machine(self) -> Machine:
        """The recogniser of the texts: finite if the schema is small, else worked out lazily.

        Raises:
            SchemaError: it needs more states than the limits allow.
        """
        try:
            if self.is_small:
                return self.rules[self.start].automaton(max_states=self._limits.max_states)
            return Pushdown(self.rules, self.start, self.digest)
        except AutomatonTooLarge as error:
            raise too_large(error, "#") from None

    @property
    def is_regular(self) -> bool:
        """Whether the rule ``start`` calls no rules, so that it has a finite automaton."""
        return not calls_of(self.rules[self.start])

    @property
    def is_small(self) -> bool:
        """Whether that automaton is worth making: it has about as many states as it seems."""
        return self.is_regular and size(self.rules[self.start]) <= MAX_STATES_AT_ONCE

    @property
    def needs_check(self) -> bool:
        """Whether a text of the language may stand for a value that is not valid."""
        return bool(self.report.checked)

    def check(self, value: Any) -> None:
        """Refuse a value that is not valid, by whatever keyword.

        Raises:
            Invalid: a ``ValueError`` that says where in the value, and which keyword.
        """
        self._positions.judge.check(self._resources.root, value, ())

    def canonical_text(self, value: Any) -> str:
        """The canonical text of a value: in the language if and only if the value is valid.

        Raises:
            TypeError: not a JSON value.
        """
        return CanonicalWriter(self._positions, self._options).text(self._positions.root, value)


def compile_schema(
    schema: bool | Mapping[str, Any],
    *,
    options: SchemaOptions | None = None,
    resources: Mapping[str, bool | Mapping[str, Any]] | None = None,
    limits: Limits | None = None,
) -> CompiledSchema:
    """The rules for the JSON texts of all values that are valid under ``schema``.

    ``resources`` are other documents that references may lead to, by their URI; nothing is
    fetched.

    Raises:
        SchemaError: the schema is wrong, a keyword is refused, or it costs more than ``limits``.
    """
    options, limits = options or SchemaOptions(), limits or Limits()
    try:
        return _compiled(schema, options, resources or {}, limits)
    except RecursionError:
        raise SchemaError("the schema nests too deeply", "#") from None


def _compiled(
    schema: bool | Mapping[str, Any],
    options: SchemaOptions,
    others: Mapping[str, bool | Mapping[str, Any]],
    limits: Limits,
) -> CompiledSchema:
    resources = Resources(schema, others, options.draft, limits.max_depth)
    refuse_circles(resources, limits.max_depth)
    positions = Positions(resources, options, limits)
    rules = positions.rules()
    start = next(iter(rules))
    entries: list[Entry] = []
    for sub in resources.visited():
        entries += entries_of(sub, positions.texts, positions.checked)
    entries += [Entry(p, "keys", "checked", note) for p, note in positions.repeated.items()]
    report = Report(tuple(dict.fromkeys(entries)))
    identity = json.dumps([schema, dict(others), repr(options)], default=str)
    digest = hashlib.sha256(f"sglc schema 1 {identity}".encode("utf-8", "surrogatepass"))
    return CompiledSchema(
        simplified(rules, start),
        start,
        report,
        digest.hexdigest(),
        positions,
        resources,
        options,
        limits,
    )
