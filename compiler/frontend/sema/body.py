"""What is shared while the body of one prompt, fn or test is checked."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import Callee, Constant, GenInfo
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.builtins import FORMS
from sglc.compiler.frontend.sema.consteval import ConstantReader
from sglc.compiler.frontend.sema.flow import Binding, Env, Variable
from sglc.compiler.frontend.sema.program import Module, Namespace, Program
from sglc.compiler.frontend.sema.typexprs import TypeReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sglc.compiler.source import Span
    from sglc.constraints.types import Type


class Place(enum.Enum):
    """Where an expression stands: what it may do to the prompt there."""

    SAID = "said"  # a statement or a hole of a said text: may generate, bind, show pictures
    VALUE = "value"  # the whole of a bound or returned value: may generate
    NESTED = "nested"  # a part of something else: only computes


@dataclass(eq=False)
class Body:
    """The state of the check of one body. ``kind`` is ``prompt``, ``fn`` or ``test``.

    ``depth`` counts the branches around this point, ``forks`` are the places of those that several
    run; ``chat`` tells that the prompt opens messages, ``role`` is the one that is open;
    ``effect`` is the first effectful tool that was called.
    """

    program: Program
    module: Module
    kind: str
    owner: str
    env: Env = field(default_factory=Env)
    with_options: list[Mapping[str, Any]] = field(default_factory=list)
    variables: dict[int, Variable] = field(default_factory=dict)
    forks: list[Span] = field(default_factory=list)
    depth: int = 0
    role: tuple[str, Span] | None = None
    chat: bool = False
    said_outside: bool = False
    effect: str = ""

    def __post_init__(self) -> None:
        self.constants = ConstantReader(self.program, self.module)
        self.types = TypeReader(self.program, self.module, self.constants.read)

    def report(self, diagnostic: Diagnostic) -> None:
        self.program.report(diagnostic)

    def record_type(self, expr: ast.Expr, type_: Type) -> Type:
        self.program.checked._types[id(expr)] = type_
        return type_

    def record_callee(self, call: ast.Call, callee: Callee) -> None:
        self.program.checked._callees[id(call)] = callee

    def record_constant(self, expr: ast.Expr, value: object) -> None:
        self.program.checked._constants[id(expr)] = Constant(value=value)

    def record_gen(self, call: ast.Call, info: GenInfo) -> None:
        self.program.checked._gens[id(call)] = info

    def type_of(self, expr: ast.Expr) -> Type:
        return self.program.checked._types[id(expr)]

    def declare(self, name: ast.Name, kind: str) -> Variable:
        """Return the variable that ``name`` declares; the first time, say what it hides."""
        variable = self.variables.get(id(name))
        if variable is None:
            variable = self._variable(name, kind)
            self.variables[id(name)] = variable
        if not self.program.muted:
            entity = self.module.names.get(name.value)
            if entity is not None and entity.span is not None:
                self.report(codes.shadowed_name(name.span, name.value, entity.span))
            elif name.value in FORMS:
                self.report(faults.shadowed_builtin(name.span, name.value))
        return variable

    def _variable(self, name: ast.Name, kind: str) -> Variable:
        return Variable(name.value, name.span, kind, self.role[0] if self.role else None)

    def bind(
        self, name: ast.Name, type_: Type, kind: str, *, selected: bool = False
    ) -> Variable | None:
        """Give a name a value from here on; ``_`` throws it away."""
        if name.value == "_":
            return None
        old = self.env.names.get(name.value)
        if old is not None and kind == "loop":
            self.report(codes.shadowed_name(name.span, name.value, old.variables[0].span))
            variable = self.variables.setdefault(id(name), self._variable(name, kind))
        elif old is not None:
            variable = self.variables.setdefault(id(name), self._variable(name, kind))
        else:
            variable = self.declare(name, kind)
        self.env = self.env.bind(name.value, Binding((variable,), type_, selected=selected))
        return variable

    def outside(self, node: ast.Node) -> None:
        """Report what belongs to no message of a chat prompt, once for each prompt."""
        if self.chat and self.role is None and not self.program.muted and not self.said_outside:
            self.said_outside = True
            self.report(codes.text_outside_role(node.span, self.owner))

    def is_module_name(self, name: str) -> bool:
        return name not in self.env.names and name in self.module.names

    def namespace(self, expr: ast.Expr) -> Namespace | None:
        """Return the imported module that ``expr`` names."""
        if isinstance(expr, ast.Var) and self.is_module_name(expr.name):
            entity = self.module.names[expr.name]
            return entity if isinstance(entity, Namespace) else None
        return None

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Report nothing inside: the block is only being tried."""
        self.program.muted += 1
        try:
            yield
        finally:
            self.program.muted -= 1
