"""How a function runs, and as what graph: for people."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sglc.errors import NotLowered
from sglc.lowered.lowering import Ready
from sglc.program.gen_options import RUN_DEFAULTS
from sglc.views.drawn import Drawn

if TYPE_CHECKING:
    from sglc.compiler.ir.graph import Module
    from sglc.program.functions import Function

_EXAMPLES: Final[Mapping[object, object]] = {
    str: "", int: 1, bool: False, float: 1.0, list: [], dict: {}, "str": "", "int": 1,
    "bool": False, "float": 1.0, "list": [], "list[str]": [""], "dict": {},
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class FunctionGraph(Drawn):
    """The graph of a function for arguments of some types: text when printed, drawn by ``page``."""

    name: str
    module: Module

    def __str__(self) -> str:
        from sglc.compiler.ir.text import print_module

        return print_module(self.module)

    def page(self) -> str:
        """Return an HTML page, by itself: the graph and what can be pointed at in it."""
        from sglc.viz.atlas import Atlas
        from sglc.viz.page import page_data, render_page

        return render_page(page_data(Atlas(self.module, [self.name]), self.name))


def _is_example(function: Function, given: Mapping[str, Any], name: str) -> bool:
    parameter = function.signature.parameters[name]
    is_open = parameter.default is parameter.empty and name not in {**function.bound, **given}
    return is_open and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def arguments_for(function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of a function: those given, defaults, and examples of what is declared."""
    found: dict[str, Any] = {}
    for name, parameter in list(function.signature.parameters.items())[1:]:
        if name in given:
            found[name] = given[name]
        elif name in function.bound:
            found[name] = function.bound[name]
        elif parameter.default is not inspect.Parameter.empty:
            found[name] = parameter.default
        else:
            found[name] = _EXAMPLES.get(parameter.annotation, "")
    return found


def lines_of(function: Function, given: Mapping[str, Any]) -> list[str]:
    """Return what ``sglc explain module:function`` prints."""
    from sglc.compiler.diagnostics.render import render
    from sglc.compiler.python.report import diagnostics_of, report
    from sglc.lowered.words import ApiWords

    arguments = arguments_for(function, given)
    found = function.lowerings.find(function, arguments, RUN_DEFAULTS, "repair")
    lines = [*report(function.func, found.lowered if isinstance(found, Ready) else found)]  # type: ignore[arg-type]  # of a plain function
    if not isinstance(found, Ready):
        words = ApiWords(RUN_DEFAULTS, "repair")
        for each in diagnostics_of(function.func, found.reason, words):  # type: ignore[arg-type]  # the same
            lines += ["", render(each).rstrip()]
        taken = [name for name in arguments if _is_example(function, given, name)]
        if taken:
            shown = ", ".join(f"{name} = {arguments[name]!r}" for name in taken)
            lines += ["", f"as an example {shown}: NAME=VALUE says what it is"]
    return lines


def graph_of(function: Function, given: Mapping[str, Any]) -> FunctionGraph:
    """Return the graph of a function.

    Raises:
        NotLowered: it runs step by step; the message says why, and where.
    """
    arguments = arguments_for(function, given)
    found = function.lowerings.find(function, arguments, RUN_DEFAULTS, "repair")
    if isinstance(found, Ready):
        return FunctionGraph(found.lowered.entry, found.lowered.module)
    raise NotLowered(f"{function.func.__name__} has no graph: {found.reason}")
