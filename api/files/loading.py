"""``load``: a program file as a module of Python."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from sglc.compiler.diagnostics.suggest import meant
from sglc.errors import ProgramError, ProgramWarning
from sglc.files.loaded import LoadedModule
from sglc.files.program_file import ProgramFile
from sglc.program.host_tools import Tools, host_function, tools_by_name

if TYPE_CHECKING:
    from sglc.compiler.frontend.checked import Checked

_alive: Final[WeakValueDictionary[str, LoadedModule]] = WeakValueDictionary()
"""What was loaded last of each file: objects that were pickled find their classes there."""


def load(path: str | os.PathLike[str], *, tools: Tools | None = None) -> LoadedModule:
    """Return a program file as a module: its prompts and fns as callables, its types as classes.

        judge = sglc.load("judge.sgl").judge
        verdict = judge("An essay.")

    ``tools`` are the functions behind the tools that the program declares without ``from``: by
    name, or a list of functions. Others are imported from the folder of the file.

    Raises:
        ProgramError: the file has mistakes, or a tool is missing or differs from its declaration.
        TypeError: a tool is no function, or the program declares none of its name.
        OSError: the file cannot be read.
    """
    file = Path(os.path.abspath(path))
    if not file.is_file():
        raise FileNotFoundError(errno.ENOENT, "there is no such program", str(path))
    return _load(file, str(path), tools_by_name(tools), are_tools_known=True)


def _load(
    file: Path, shown: str, tools: Mapping[str, Callable[..., Any]], *, are_tools_known: bool
) -> LoadedModule:
    from sglc.compiler.diagnostics import DiagnosticSink
    from sglc.compiler.diagnostics.diagnostic import Severity
    from sglc.compiler.diagnostics.render import render
    from sglc.compiler.driver import CheckOptions, check_source, collector_paused
    from sglc.compiler.frontend.graph.module import build_graph
    from sglc.compiler.ir.verify import verify
    from sglc.compiler.source import SourceError, SourceFile

    functions = {name: host_function(name, function) for name, function in tools.items()}
    options = CheckOptions(
        tools=frozenset(tools) if are_tools_known else None,
        functions={name: known for name, known in functions.items() if known is not None},
    )
    sink = DiagnosticSink()
    try:
        source = SourceFile.read(shown)
    except SourceError as error:
        raise OSError(str(error)) from None
    with collector_paused():
        checked = check_source(source, sink, options)
        if checked is None:
            raise ProgramError(shown, sink)
        graph = build_graph(checked)
        verify(graph)
    _check_given(shown, tools, checked)
    for each in sink.diagnostics:
        if each.severity is Severity.WARNING:
            warnings.warn(render(each), ProgramWarning, stacklevel=3)
    module = LoadedModule(ProgramFile(file, checked, graph, tools))
    _alive[str(file)] = module
    return module


def _check_given(shown: str, tools: Mapping[str, Callable[..., Any]], checked: Checked) -> None:
    """Refuse functions that nothing would call.

    Raises:
        TypeError: the program declares no tool of such a name, or imports it itself.
    """
    declared = {name.rpartition(".")[2]: info.source for name, info in checked.tools.items()}
    for name in tools:
        if name not in declared:
            hint = meant(name, declared, "declare it: `tool f(…) -> T`")
            raise TypeError(f"{shown} declares no tool `{name}`: {hint}")
        if declared[name] is not None:
            raise TypeError(
                f"{shown} imports the tool `{name}` itself, from `{declared[name]}`: leave it out, "
                "or drop the `from` there"
            )


def load_again(path: str, tools: Mapping[str, Callable[..., Any]]) -> LoadedModule:
    """Return the module of a file, for what was pickled: the one there is, else loaded anew."""
    return _alive.get(path) or _load(Path(path), path, tools, are_tools_known=True)


def member_again(path: str, tools: Mapping[str, Callable[..., Any]], name: str) -> Any:
    """Return a prompt or a fn that was pickled."""
    return getattr(load_again(path, tools), name)


def record_again(path: str, name: str, values: Mapping[str, Any]) -> Any:
    """Return an object of a record class that was pickled; its tools are not needed."""
    module = _alive.get(path) or _load(Path(path), path, {}, are_tools_known=False)
    return module.__program__.types.classes[name](**values)
