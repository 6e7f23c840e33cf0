"""From an upload to a plan, in the compiler's process; nothing here trusts the program."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.diagnostics.diagnostic import Severity
from sglc.compiler.driver import (
    CheckOptions,
    Optimization,
    check_source,
    collector_paused,
    entry_prompts,
    optimize,
)
from sglc.compiler.frontend.checked import Checked
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.reader import IrSyntaxError, parse_module
from sglc.compiler.ir.serial import from_data
from sglc.compiler.ir.verify import verify, violations
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import MarkupOf
from sglc.compiler.passes.pipeline import Watch, level
from sglc.compiler.passes.report import Change
from sglc.compiler.plan.arguments import mismatch
from sglc.compiler.plan.plan import Block, Function, Plan, walk
from sglc.compiler.source import SourceError, SourceFile
from sglc.constraints import types as t
from sglc.constraints.automaton import AutomatonTooLarge
from sglc.constraints.language import language
from sglc.server.programs.diagnostics import diagnostic_data, graph_error
from sglc.server.programs.signatures import prompt_data, tool_data
from sglc.server.programs.upload import NAME, Built, CompilerSettings, Data, Refused, Upload

_MAX_CHECK_S: Final = 1.0  # of processor time, to prepare what arguments are checked against
_SHORT_CHECK_S: Final = 0.002


class ProgramRefused(Exception):
    """A program that is not compiled; ``refused`` says why."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the compiler has made of an upload; ``checked`` is None for a graph."""

    checked: Checked | None
    graph: Module
    optimized: Module
    plan: Plan
    prompts: tuple[str, ...]
    changes: tuple[Change, ...]
    warnings: list[Data] = field(default_factory=list)

    @property
    def sources(self) -> list[SourceFile]:
        """All files of the program, each once."""
        if self.checked is None:
            return []
        files = [module.file for module in (self.checked.entry, *self.checked.modules)]
        return list({file.name: file for file in files}.values())


def make(
    upload: Upload, settings: CompilerSettings, markup: MarkupOf, watch: Watch | None = None
) -> Made:
    """Compile an upload.

    Raises:
        ProgramRefused: it has errors, or is more than a program may be.
    """
    with collector_paused():
        if upload.source is not None:
            return _of_source(upload, settings, markup, watch)
        return _of_graph(upload, settings, markup, watch)


def built(upload: Upload, settings: CompilerSettings, markup: MarkupOf) -> Built:
    """Compile an upload for runs.

    Raises:
        ProgramRefused: it has errors, or is more than a program may be.
    """
    made = make(upload, settings, markup)
    plan = made.plan
    _check_size(plan, settings)
    check_s = _check_types(plan, made.prompts)
    pickled = pickle.dumps(plan, pickle.HIGHEST_PROTOCOL)
    if len(pickled) > settings.max_plan_bytes:
        raise _too_large(f"its plan has {len(pickled)} bytes, {settings.max_plan_bytes} at most")
    functions = {name: plan.functions[name] for name in made.prompts}
    used = {str(node.attrs["tool"]) for node in _nodes(plan) if node.op == "tool"}
    seed = plan.config.get("seed")
    return Built(
        plan=pickled,
        digest=plan.digest,
        entry=made.prompts[0] if len(made.prompts) == 1 else None,
        prompts=[prompt_data(f, _captures(made, name)) for name, f in functions.items()],
        tools=[tool_data(plan.tools[name]) for name in sorted(used)],
        warnings=made.warnings,
        files={file.name: file.digest for file in made.sources},
        seed=seed if isinstance(seed, int) else None,
        is_checked_aside=check_s > _SHORT_CHECK_S,
        functions=pickle.dumps({name: _signature(f) for name, f in functions.items()}),
    )


def _of_source(
    upload: Upload, settings: CompilerSettings, markup: MarkupOf, watch: Watch | None
) -> Made:
    assert upload.source is not None
    if len(upload.source) > settings.max_source_chars:
        raise _too_large(
            f"its source has {len(upload.source)} characters, {settings.max_source_chars} at most"
        )
    try:
        source = SourceFile(NAME, upload.source)
    except SourceError as error:
        raise ProgramRefused(Refused(str(error), "source")) from None
    sink = DiagnosticSink()
    # The models of this engine read text only, and nobody here has host code to bind.
    checked = check_source(source, sink, CheckOptions(trusted=False, vision=False))
    found = [diagnostic_data(each) for each in sink.diagnostics]
    if checked is None:
        raise ProgramRefused(Refused(_count(sink), "source", found))
    _check_model(checked.config, settings)
    graph = build_graph(checked)
    verify(graph)
    prompts = tuple(entry_prompts(checked))
    if upload.entry is not None:
        if upload.entry not in checked.prompts:
            raise _no_prompt(upload.entry, sorted(checked.prompts))
        prompts = (upload.entry,)
    optimized, changes = optimize(
        graph, list(prompts), _optimization(upload, graph, prompts, markup, watch)
    )
    return Made(
        checked=checked,
        graph=graph,
        optimized=optimized,
        plan=_lowered(optimized, prompts),
        prompts=prompts,
        changes=tuple(changes),
        warnings=found,
    )


def _of_graph(
    upload: Upload, settings: CompilerSettings, markup: MarkupOf, watch: Watch | None
) -> Made:
    graph = _read_graph(upload.graph, settings)
    _check_model(graph.config, settings)
    bound = [tool.name for tool in graph.tools.values() if tool.source is not None]
    if bound:
        reasons = [f"tool `{name}`: an uploaded program may not bind host code" for name in bound]
        raise _bad_graph([graph_error(reason) for reason in reasons])
    prompts = tuple(name for name, f in graph.functions.items() if f.kind == "prompt")
    if upload.entry is not None:
        if upload.entry not in prompts:
            raise _no_prompt(upload.entry, sorted(prompts))
        prompts = (upload.entry,)
    optimized, changes = optimize(
        graph, list(prompts), _optimization(upload, graph, prompts, markup, watch)
    )
    return Made(
        checked=None,
        graph=graph,
        optimized=optimized,
        plan=_lowered(optimized, prompts),
        prompts=prompts,
        changes=tuple(changes),
    )


def _read_graph(given: str | Mapping[str, Any] | None, settings: CompilerSettings) -> Module:
    text = given if isinstance(given, str) else json.dumps(given)
    limit = 4 * settings.max_source_chars  # a graph says more than its source
    if len(text) > limit:
        raise _too_large(f"its graph has {len(text)} characters, {limit} at most")
    try:
        module = parse_module(given) if isinstance(given, str) else from_data(dict(given or {}))
        broken = violations(module)
    except IrSyntaxError as error:
        raise _bad_graph([graph_error(error.reason, error.line, error.column)]) from None
    except ValueError as error:
        raise _bad_graph([graph_error(str(error))]) from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise _bad_graph([graph_error(f"{type(error).__name__}: {error}")]) from None
    if broken:
        raise _bad_graph([graph_error(str(each)) for each in broken])
    return module


def _optimization(
    upload: Upload,
    graph: Module,
    prompts: tuple[str, ...],
    markup: MarkupOf,
    watch: Watch | None,
) -> Optimization:
    """Compiled for one prompt where one is run, else so that every prompt may be."""
    if not prompts:
        raise ProgramRefused(Refused("the program has no prompt to run", _field(upload)))
    if upload.known:
        _check_known(upload, graph, prompts)
    return Optimization(
        level(upload.level),
        runs_entry=len(prompts) == 1,
        entry=prompts[0] if len(prompts) == 1 else None,
        markup=markup,
        known=upload.known,
        watch=watch,
    )


def _check_known(upload: Upload, graph: Module, prompts: tuple[str, ...]) -> None:
    if len(prompts) > 1:
        names = ", ".join(prompts)
        raise ProgramRefused(
            Refused(
                f"known: the program has several prompts ({names}): name one in `entry`", "known"
            )
        )
    parameters = {
        parameter.name: parameter
        for parameter in _lowered(graph, prompts).functions[prompts[0]].params
    }
    for name, value in upload.known.items():
        place = f"known.{name}"
        if name not in parameters:
            has = ", ".join(parameters) or "none"
            raise ProgramRefused(Refused(f"{place}: no parameter `{name}` (there is {has})", place))
        reason = mismatch(parameters[name].type, value)
        if reason is not None:
            raise ProgramRefused(Refused(f"{place}: `{name}` {reason}", place))


def _lowered(module: Module, prompts: tuple[str, ...]) -> Plan:
    return lower_module(module, next((n for n in prompts if n in module.functions), ""))


def _check_model(config: Mapping[str, Any], settings: CompilerSettings) -> None:
    model = config.get("model")
    if model is not None and model not in settings.model_names:
        names = " or ".join(sorted(settings.model_names))
        message = f"the program's config asks for the model `{model}`; this server has {names}"
        raise ProgramRefused(Refused(message, "source", code="model_not_found"))


def _check_size(plan: Plan, settings: CompilerSettings) -> None:
    num_nodes = sum(1 for _ in _nodes(plan))
    if num_nodes > settings.max_nodes:
        raise _too_large(f"its plan has {num_nodes} nodes, {settings.max_nodes} at most")
    depth = max((_depth(f.body) for f in plan.functions.values()), default=0)
    if depth > settings.max_depth:
        raise _too_large(f"its blocks nest {depth} deep, {settings.max_depth} at most")


def _depth(block: Block) -> int:
    depth, level_ = 0, [block]
    while level_:
        depth += 1
        level_ = [inner for each in level_ for node in each.nodes for inner in node.blocks]
    return depth


def _check_types(plan: Plan, prompts: tuple[str, ...]) -> float:
    """Return how long it takes to prepare the checks of arguments and of results of tools, which
    the server and the engine do themselves.

    Constraints of model calls are built elsewhere, with limits of their own.

    Raises:
        ProgramRefused: it takes too long.
    """
    checked = [
        (f"parameter `{p.name}` of `{name}`", p.type)
        for name in prompts
        for p in plan.functions[name].params
    ]
    for tool in plan.tools.values():
        checked += [(f"parameter `{n}` of tool `{tool.name}`", type_) for n, type_ in tool.params]
        checked.append((f"the result of tool `{tool.name}`", tool.result))
    begin_s = time.process_time()
    for what, type_ in checked:
        for each in _texts(type_):
            try:
                language(each)
                is_long = time.process_time() - begin_s > _MAX_CHECK_S
            except AutomatonTooLarge:
                is_long = True
            except ValueError as error:
                message = f"{what}: the type {_clip(each)} cannot be used: {error}"
                raise ProgramRefused(Refused(message)) from None
            if is_long:
                raise _too_large(f"{what}: the type {_clip(each)} is too large to check")
    return time.process_time() - begin_s


def _texts(type_: t.Type) -> Iterator[t.Type]:
    """The types in this one whose values are checked as texts."""
    match type_:
        case t.Optional(inner=inner):
            yield from _texts(inner)
        case t.List(item=item):
            yield from _texts(item)
        case t.Union(options=options):
            for option in options:
                yield from _texts(option)
        case t.Record(fields=fields):
            for each in fields:
                yield from _texts(each.type)
        case t.Int() | t.Number() | t.Bool() | t.NoneType() | t.Json() | t.AnyType() | t.OneOf():
            return
        case t.Image() | t.Video() | t.Literal():
            return
        case t.Str() if type_ == t.Str():
            return
        case _:
            yield type_


def _captures(made: Made, name: str) -> Mapping[str, t.Type] | None:
    info = None if made.checked is None else made.checked.prompts.get(name)
    return None if info is None or info.returns is not None else dict(info.captures)


def _signature(function: Function) -> Function:
    """The function without its body: what arguments are bound to."""
    return Function(
        kind=function.kind,
        name=function.name,
        params=function.params,
        result=function.result,
        body=Block(),
        num_values=0,
        doc=function.doc,
    )


def _nodes(plan: Plan) -> Iterator[Any]:
    for function in plan.functions.values():
        yield from walk(function.body)


def _count(sink: DiagnosticSink) -> str:
    first = next(d for d in sink.diagnostics if d.severity is Severity.ERROR)
    place = "" if first.span is None else f"{first.span}: "
    return f"the program has {sink.summary()}: {place}{first.message}"


def _field(upload: Upload) -> str:
    return "source" if upload.source is not None else "ir"


def _no_prompt(name: str, known: list[str]) -> ProgramRefused:
    has = ", ".join(known) or "none"
    return ProgramRefused(Refused(f"entry: no prompt `{name}` (there is {has})", "entry"))


def _bad_graph(diagnostics: list[Data]) -> ProgramRefused:
    message = f"ir is no graph as `sglc ir` writes it: {diagnostics[0]['message']}"
    return ProgramRefused(Refused(message, "ir", diagnostics))


def _too_large(reason: str) -> ProgramRefused:
    return ProgramRefused(Refused(f"the program is too large: {reason}", code="program_too_large"))


def _clip(type_: t.Type) -> str:
    text = str(type_)
    return text if len(text) <= 60 else text[:57] + "..."
