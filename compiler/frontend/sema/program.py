"""The declared things of a program: modules and what their names stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Checked, FnInfo, ParamInfo, PromptInfo, ToolInfo
from sglc.compiler.frontend.host import HostFunction
from sglc.compiler.source import Span
from sglc.constraints.types import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What the checks may assume.

    ``trusted`` programs may bind host code and read files. ``roles``, ``vision`` and
    ``prefix_stable`` describe the model and its chat template, ``tools`` are the names the host has
    registered; None means unknown, and what depends on it is not checked. ``functions`` are those
    of the registered tools whose signatures are known.
    """

    trusted: bool = True
    roles: frozenset[str] | None = None
    vision: bool | None = None
    prefix_stable: bool | None = None
    tools: frozenset[str] | None = None
    functions: Mapping[str, HostFunction] = field(default_factory=dict, hash=False)
    max_fork: int = 256
    max_tokens: int = 128


@dataclass(eq=False, slots=True, kw_only=True)
class Entity:
    """Something a module-level name stands for; ``span`` is where it was declared."""

    name: str
    span: Span | None
    module: Module | None
    used: bool = False


@dataclass(eq=False, slots=True, kw_only=True)
class LetEntity(Entity):
    """A constant; ``state`` is ``new``, ``busy`` or ``done``. Without a value it had an error."""

    decl: ast.Let
    state: str = "new"
    type: Type | None = None
    has_value: bool = False
    value: Any = None


@dataclass(eq=False, slots=True, kw_only=True)
class TypeEntity(Entity):
    """A named type; ``busy`` counts how often it is being expanded within itself."""

    decl: ast.TypeAlias | ast.TypeRecord
    done: bool = False
    type: Type | None = None
    busy: int = 0
    depth: int | None = None
    recursive: bool = False


@dataclass(eq=False, slots=True, kw_only=True)
class PromptEntity(Entity):
    """A prompt; ``included`` when another one says its text.

    ``effect`` names an effectful tool that it calls, itself or through other prompts.
    """

    decl: ast.Prompt
    included: bool = False
    effect: str = ""
    params: tuple[ParamInfo, ...] = ()
    returns: Type | None = None
    info: PromptInfo | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class FnEntity(Entity):
    decl: ast.Fn
    info: FnInfo | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class ToolEntity(Entity):
    decl: ast.Tool | None
    info: ToolInfo | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class Namespace(Entity):
    """An imported module; ``names`` is None when it could not be loaded."""

    names: Mapping[str, Entity] | None


@dataclass(eq=False, slots=True, kw_only=True)
class Imported(Entity):
    """The place of a name in ``from module import name``; ``target`` is what it brings in."""

    target: Entity


@dataclass(eq=False, slots=True, kw_only=True)
class Broken(Entity):
    """A name whose import failed: fits everywhere, says nothing more."""


@dataclass(eq=False, slots=True, kw_only=True)
class Module:
    """A loaded file; ``name`` is empty for the entry, ``folder`` None for text without a file."""

    name: str
    tree: ast.Module
    folder: Path | None
    is_std: bool = False
    names: dict[str, Entity] = field(default_factory=dict)
    imports: list[Entity] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)

    def symbol(self, name: str) -> str:
        """Return the name of a declaration that is unique in the program."""
        return f"{self.name}.{name}" if self.name else name


@dataclass(eq=False, slots=True, kw_only=True)
class Program:
    """All modules, with what the checks share."""

    options: CheckOptions
    sink: DiagnosticSink
    checked: Checked
    modules: list[Module]
    muted: int = 0

    def report(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic, unless a block is only being tried."""
        if not self.muted:
            self.sink.add(diagnostic)
