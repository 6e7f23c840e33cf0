"""Pipelines: passes in order, written ``fold{max_items=8},gvn,dce``, and how they are run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.verify import verify
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.registry import PASSES, pass_class

SIMPLIFY: Final = {
    0: "",
    1: "fold,dce,decide,peval,bounds,gvn",
    2: "fold,dce{drop_tools=true},decide,peval,bounds,gvn",
}
"""By level: passes that make graphs smaller; one finds more to do where another has been."""
_BEHIND: Final = (
    ("fields", 1),
    ("prefix", 1),
    ("motion", 1),
    ("fuse", 1),
    ("spec{guess=false}", 1),
    ("script", 1),
    ("seams", 2),
    ("jump", 2),
    ("kv", 1),
    ("once", 1),
    ("batch", 1),
)  # with the level they belong to
PLAN: Final = {
    number: ",".join(name for name, least in _BEHIND if 0 < least <= number) for number in (0, 1, 2)
}
"""By level: passes behind those, each once, that tell the runtime what comes next. Level 1 has
those that keep every token, level 2 also those that keep the text and its distribution."""
DEFAULT_LEVEL: Final = 2
MAX_ROUNDS: Final = 4

Watch = Callable[[Pass, Module], None]
"""Told each pass that has run, and what it made."""


class PipelineError(ValueError):
    """The text of a pipeline is wrong; ``column`` starts at 1."""

    def __init__(self, text: str, column: int, reason: str) -> None:
        super().__init__(f"pipeline {text!r}, column {column}: {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Passes, run in order; again from the first while they change something, ``rounds`` at most.

    Then those in ``last``, each once. ``verify`` checks the graph before the first pass and after
    each.
    """

    passes: tuple[Pass, ...] = ()
    rounds: int = 1
    verify: bool = False
    last: tuple[Pass, ...] = ()

    def run(self, module: Module, context: Context, watch: Watch | None = None) -> Module:
        """Return the module that the passes make.

        Raises:
            VerifyError: with ``verify``, a pass broke a rule of the graph.
        """
        if self.verify:
            verify(module)
        for _ in range(self.rounds):
            count = len(context.changes)
            module = self._run(self.passes, module, context, watch)
            if len(context.changes) == count:
                break
        return self._run(self.last, module, context, watch)

    def _run(
        self, passes: tuple[Pass, ...], module: Module, context: Context, watch: Watch | None
    ) -> Module:
        for each in passes:
            module = each.run(module, context)
            if self.verify:
                verify(module)
            if watch is not None:
                watch(each, module)
        return module

    def __str__(self) -> str:
        return ",".join(map(str, self.passes + self.last))


def level(number: int, *, verify: bool = False) -> Pipeline:
    """Return the pipeline of ``-O0``, ``-O1`` or ``-O2``.

    Raises:
        KeyError: there is no such level.
    """
    last = parse_pipeline(PLAN[number]).passes
    passes = parse_pipeline(SIMPLIFY[number]).passes
    return Pipeline(passes, MAX_ROUNDS, verify, last)


def parse_pipeline(text: str) -> Pipeline:
    """Read ``name{option=value,…},…``; the empty text is the empty pipeline.

    Raises:
        PipelineError: with the place, and what is known there.
    """
    return Pipeline(tuple(_Reader(text).passes()))


_TOKEN = re.compile(r"\s*([A-Za-z_][\w-]*|-?\d+(?:\.\d+)?|[{},=])\s*")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.column = 1
        self.token = ""
        self.advance()

    def advance(self) -> None:
        """Move to the next token, the empty one at the end."""
        found = _TOKEN.match(self.text, self.at)
        rest = self.text[self.at :]
        self.column = self.at + len(rest) - len(rest.lstrip()) + 1
        if found is None and rest.strip():
            self.fail(f"unexpected {rest.strip()[0]!r}")
        self.token = found.group(1) if found else ""
        self.at = found.end() if found else len(self.text)

    def fail(self, reason: str) -> NoReturn:
        raise PipelineError(self.text, self.column, reason)

    def expect(self, *tokens: str) -> str:
        """Take one of ``tokens``; the empty one is the end."""
        if self.token not in tokens:
            wanted = " or ".join(repr(token) if token else "the end" for token in tokens)
            self.fail(f"{wanted} must stand here" + (f", not {self.token!r}" * bool(self.token)))
        found = self.token
        self.advance()
        return found

    def passes(self) -> list[Pass]:
        found: list[Pass] = []
        if not self.token:
            return found
        while True:
            found.append(self.one())
            if not self.expect(",", ""):
                return found

    def one(self) -> Pass:
        name, start = self.token, self.column
        if name not in PASSES:
            self.fail(
                (f"there is no pass {name!r}" if name else "a pass is missing") + _known(name)
            )
        self.advance()
        made = pass_class(name)
        options: dict[str, object] = {}
        if self.token == "{":
            self.advance()
            while True:
                key = self.option(made, options)
                self.advance()
                self.expect("=")
                options[key] = self.value(key, made.options()[key])
                if self.expect(",", "}") == "}":
                    break
        try:
            return made(**options)
        except ValueError as error:
            raise PipelineError(self.text, start, f"{name}: {error}") from None

    def option(self, made: type[Pass], given: dict[str, object]) -> str:
        known = made.options()
        if self.token not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            self.fail(f"{made.name} has no option {self.token!r} ({has})")
        if self.token in given:
            self.fail(f"the option {self.token!r} is given twice")
        return self.token

    def value(self, key: str, kind: type) -> object:
        token = self.token
        try:
            value = {"true": True, "false": False}[token] if kind is bool else kind(token)
        except (ValueError, KeyError):
            self.fail(f"{key} takes {_KINDS[kind]}, not {token!r}")
        if kind is str and not token.isidentifier():
            self.fail(f"{key} takes {_KINDS[kind]}, not {token!r}")
        self.advance()
        return value


_KINDS: Final[dict[type, str]] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a word",
}


def _known(name: str) -> str:
    from sglc.compiler.diagnostics.suggest import closest

    near = closest(name, PASSES)
    hint = f"did you mean {near!r}? " if near else ""
    return f" ({hint}known: {', '.join(PASSES)})"
