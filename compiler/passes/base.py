"""What a pass is: a frozen object with typed options that makes one module out of another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

from sglc.compiler.cost.calibration import UNCALIBRATED, Calibration
from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.passes.history import History
from sglc.compiler.passes.languages import Languages
from sglc.compiler.passes.report import Change

Evaluate = Callable[[Module, str, Mapping[str, Any]], Any]
"""Runs a function that asks no model: module, name, arguments. Raises ``NotConstant``."""


class NotConstant(Exception):
    """A value cannot be computed at compile time: it fails, or takes too long."""


class Markup(Protocol):
    """What a model's chat template writes around messages, where it writes them one by one.

    Texts and names of special tokens in turn, a text first; None where that is not known, and is
    left to the run.
    """

    def opening(self, role: str, ahead: str | None, *, has_begun: bool) -> tuple[str, ...] | None:
        """What opens a message. ``ahead``: the role of the one before, None if it is the first;
        ``has_begun``: whether anything stands before it."""

    def closing(self, role: str) -> tuple[str, ...] | None:
        """What closes a message."""


MarkupOf = Callable[[Module], Markup | None]
"""Finds the markup of the model that a module will run on; None if there is none to rely on."""


def _evaluate_nothing(module: Module, name: str, arguments: Mapping[str, Any]) -> Any:
    raise NotConstant(name)


def _no_markup(module: Module) -> Markup | None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """What passes share in one compilation. ``changes`` is where they report.

    ``roots`` are the prompts a run may start at; None means any of them. Their captures and their
    text can be seen, unless ``by_value``: then of a prompt that declares a result only the result.
    ``evaluate`` runs functions at compile time; without it none is. ``markup`` is asked for when
    roles can be rendered. ``languages`` keeps what was found out about constraints. ``history`` is
    what earlier runs have shown, ``costs`` how long what the engine does takes. ``known`` are
    arguments that all runs of the only root are given.
    """

    roots: frozenset[str] | None = None
    by_value: bool = False
    evaluate: Evaluate = _evaluate_nothing
    markup: MarkupOf = _no_markup
    changes: list[Change] = field(default_factory=list)
    languages: Languages = field(default_factory=Languages)
    history: History | None = None
    costs: Calibration = UNCALIBRATED
    known: Mapping[str, Any] = field(default_factory=dict)

    def shows(self, function: Function) -> bool:
        """Whether somebody may see the captures and the text of ``function``."""
        is_root = self.roots is None or function.name in self.roots
        return is_root and not (self.by_value and function.result is not None)

    def report(self, change: Change) -> None:
        """Record one change."""
        self.changes.append(change)


@dataclass(frozen=True)
class Pass(ABC):
    """Graph in, new graph out: verifies before and after, and a second run changes nothing more.

    Options are the fields of the dataclass: int, float, bool or str, each with a default. A value
    out of range raises ``ValueError`` in ``__post_init__``.
    """

    name: ClassVar[str]

    @abstractmethod
    def run(self, module: Module, context: Context) -> Module:
        """Return the module with this pass applied; report every change to ``context``."""

    @classmethod
    def options(cls) -> dict[str, type]:
        """Return the options by name, with their types."""
        kinds = {"int": int, "float": float, "bool": bool, "str": str}
        return {option.name: kinds[str(option.type)] for option in fields(cls)}

    def __str__(self) -> str:
        given = [
            f"{option.name}={_written(getattr(self, option.name))}"
            for option in fields(self)
            if getattr(self, option.name) != option.default
        ]
        return f"{self.name}{{{','.join(given)}}}" if given else self.name


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
