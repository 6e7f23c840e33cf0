"""Host statements: pieces of a function that run as ordinary Python, between ops of the graph.

A piece is compiled with the names of the file and its lines, so that a traceback shows the function
as it was written. Locals come in as arguments and go out as results; globals and names of functions
around are those of the function itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final

from sglc.compiler.python.nesting import compiled_at
from sglc.compiler.python.scope import function_node
from sglc.compiler.python.source import FunctionSource
from sglc.compiler.python.values import is_scalar

_LOCALS: Final = "_sglc_locals"
UNSET_NAME: Final = "_sglc_unset"
UNSET: Final = object()
"""Stands for a name that is not set."""
RESULT: Final = "_sglc_result"


class Box:
    """A Python object on its way between host statements: nothing looks inside or copies it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<{type(self.value).__name__}>"


def boxed(value: Any) -> Any:
    """Return a Python value as one of the graph: as it is, or in a box."""
    return value if is_scalar(value) else Box(value)


def unboxed(value: Any) -> Any:
    """Return a value of the graph as the Python value that it is."""
    return value.value if isinstance(value, Box) else value


@dataclass(frozen=True, slots=True)
class HostStatement:
    """A piece of ``source``: ``params`` by the names of the call, ``outs`` the names it hands out.

    ``has_value``: whether its last statement is an expression whose value is handed out, too.
    ``may_be_unset`` are the names that may come in without a value, ``helpers`` functions of the
    frontend that it calls, ``texts`` those of what it hands out that the graph takes for texts.
    """

    name: str
    source: FunctionSource
    body: tuple[ast.stmt, ...]
    params: Mapping[str, str]
    outs: tuple[str, ...]
    has_value: bool
    global_names: tuple[str, ...] = ()
    may_be_unset: frozenset[str] = frozenset()
    helpers: Mapping[str, Any] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    _made: list[Callable[..., Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What it says, on one line."""
        lines = (ast.unparse(node).split("\n") for node in self.body)
        text = "; ".join(" ".join(map(str.strip, each)) for each in lines)
        return text.removeprefix("not not ")  # a condition, as a truth value

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """Run it on values of the graph and return one; what the piece raises is raised.

        Raises:
            TypeError: a text is of a class of its own, which may behave in any way.
        """
        if not self._made:
            self._made.append(self._compiled())
        given = {self.params[name]: unboxed(value) for name, value in arguments.items()}
        given |= {_LOCALS: locals, UNSET_NAME: UNSET, **self.helpers}
        found: dict[str, Any] = self._made[0](**given)
        for name in self.texts:
            if type(found.get(name, "")) is not str:
                raise TypeError(self._refusal(found[name]))
        results = {name: boxed(found.get(name, UNSET)) for name in self.results}
        if len(results) == 1:
            return next(iter(results.values()))
        return results or None

    def _refusal(self, value: object) -> str:
        place = f"{self.source.file}:{getattr(self.body[0], 'lineno', 0)}"
        return (
            f"{place}: a text of the class {type(value).__name__} cannot be in a graph: run "
            f'`{self.source.name}` with level="staged"'
        )

    @property
    def results(self) -> tuple[str, ...]:
        """The names of what it hands out."""
        return (*self.outs, RESULT) if self.has_value else self.outs

    def _compiled(self) -> Callable[..., Any]:
        body = list(self.body)
        if self.has_value:
            last = body[-1]
            assert isinstance(last, ast.Expr)
            kept = ast.Assign(targets=[ast.Name(RESULT, ast.Store())], value=last.value)
            body[-1] = ast.copy_location(kept, last)
        head: list[ast.stmt] = [ast.Global(list(self.global_names))] if self.global_names else []
        for name in sorted(self.may_be_unset):
            test = ast.Compare(
                ast.Name(name, ast.Load()), [ast.Is()], [ast.Name(UNSET_NAME, ast.Load())]
            )
            head.append(ast.If(test, [ast.Delete([ast.Name(name, ast.Del())])], []))
        end = ast.Return(ast.Call(ast.Name(_LOCALS, ast.Load()), [], []))
        names = [*self.params.values(), _LOCALS, UNSET_NAME, *self.helpers]
        return _function(self.source, [*head, *body, end], names)


def _function(
    source: FunctionSource, body: Sequence[ast.stmt], names: Sequence[str]
) -> Callable[..., Any]:
    """Return a function of these statements that sees what the function of ``source`` sees."""
    function = source.func
    node = function_node(function.__code__.co_name, names, body)
    made = compiled_at(function.__code__, node, source.file)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in made.co_freevars)
    return FunctionType(made, function.__globals__, closure=closure)
