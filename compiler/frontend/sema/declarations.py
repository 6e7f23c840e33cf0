"""Signatures: the types of constants, fns, tools and prompts, before any body is looked at."""

from __future__ import annotations

from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import FnInfo, ParamInfo, ToolInfo
from sglc.compiler.frontend.host import HostFunction, HostModule
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.consteval import ConstantReader, evaluate_let
from sglc.compiler.frontend.sema.options import CONFIG
from sglc.compiler.frontend.sema.program import (
    FnEntity,
    LetEntity,
    Module,
    Program,
    PromptEntity,
    ToolEntity,
    TypeEntity,
)
from sglc.compiler.frontend.sema.types import ANY, assignable, of_value
from sglc.compiler.frontend.sema.typexprs import TypeReader
from sglc.compiler.plan.arguments import filled, mismatch
from sglc.constraints import types as t

_EFFECTS = ("pure", "readonly")
_TOOL_DECORATORS = (*_EFFECTS, "timeout", "retry")
_KNOWN_DECORATORS = {
    ast.Tool: _TOOL_DECORATORS,
    ast.TypeAlias: ("depth",),
    ast.TypeRecord: ("depth",),
}


class Declarations:
    """Fills in the entities of one module."""

    def __init__(self, program: Program, module: Module) -> None:
        self._program = program
        self._module = module
        self._constants = ConstantReader(program, module)
        self._types = TypeReader(program, module, self._constants.read)

    def config(self) -> None:
        """Evaluate the ``config`` entries; unknown and repeated ones are reported."""
        seen: dict[str, ast.Name] = {}
        for item in self._module.tree.items:
            for entry in item.entries if isinstance(item, ast.Config) else ():
                name = entry.name.value
                if name in seen:
                    first = seen[name].span
                    self._program.report(
                        codes.duplicate_name(entry.name.span, name, first, "option")
                    )
                seen.setdefault(name, entry.name)
                self._config_entry(entry)

    def _config_entry(self, entry: ast.ConfigEntry) -> None:
        name = entry.name.value
        option = CONFIG.get(name)
        known, value = self._constants.read(entry.value)
        if option is None:
            self._program.report(codes.unknown_option(entry.name.span, name, "config", CONFIG))
        elif known:
            reason = mismatch(option.type, value)
            if reason is None and not option.fits(value):
                reason = option.wanted
            if reason is not None:
                self._program.report(faults.bad_value(entry.value.span, name, reason))
            else:
                stops = name == "stop" and isinstance(value, str)
                self._module.config.setdefault(name, [value] if stops else value)

    def signatures(self) -> None:
        """Resolve the types and constants of everything the module declares itself."""
        for entity in list(self._module.names.values()):
            if entity.module is not self._module:
                continue
            match entity:
                case LetEntity():
                    self._let(entity)
                case TypeEntity():
                    resolved = self._types.resolve(entity)
                    if resolved is not None:
                        self._program.checked.types[self._module.symbol(entity.name)] = resolved
                    self._decorators(entity.decl)
                case FnEntity():
                    self._decorators(entity.decl)
                    entity.info = FnInfo(
                        symbol=self._module.symbol(entity.name),
                        decl=entity.decl,
                        params=self._params(entity.decl.params),
                        returns=self._types.read_or_any(entity.decl.returns),
                    )
                    self._program.checked.fns[entity.info.symbol] = entity.info
                case ToolEntity(decl=ast.Tool() as decl):
                    entity.info = self._tool(entity, decl)
                    self._program.checked.tools[entity.info.symbol] = entity.info
                case PromptEntity():
                    self._decorators(entity.decl)
                    entity.params = self._params(entity.decl.params)
                    if entity.decl.returns is not None:
                        entity.returns = self._types.read_or_any(entity.decl.returns)

    def _let(self, entity: LetEntity) -> None:
        evaluate_let(self._program, entity)
        declared = None if entity.decl.type is None else self._types.read(entity.decl.type)
        if not entity.has_value:
            entity.type = declared or ANY
            return
        reason = None if declared is None else mismatch(declared, entity.value)
        if reason is not None:
            self._program.report(faults.bad_value(entity.decl.value.span, entity.name, reason))
        elif declared is not None:
            entity.value = filled(declared, entity.value)
        entity.type = declared or of_value(entity.value)

    def _params(self, params: tuple[ast.Param, ...]) -> tuple[ParamInfo, ...]:
        infos: dict[str, ParamInfo] = {}
        last: ast.Param | None = None
        for param in params:
            name = param.name.value
            if name in infos:
                self._program.report(codes.duplicate_name(param.name.span, name, what="parameter"))
                continue
            type_ = self._types.read_or_any(param.type)
            if param.default is None:
                if last is not None:
                    self._program.report(faults.default_before(param.name.span, name))
                infos[name] = ParamInfo(name=name, type=type_)
                continue
            last = param
            infos[name] = self._default(name, type_, param.default)
        return tuple(infos.values())

    def _default(self, name: str, type_: t.Type, default: ast.Expr) -> ParamInfo:
        known, value = self._constants.read(default)
        reason = mismatch(type_, value) if known else None
        if reason is not None:
            self._program.report(faults.bad_value(default.span, name, reason))
        return ParamInfo(name=name, type=type_, has_default=True, default=filled(type_, value))

    # -- tools

    def _decorators(self, decl: ast.Declaration) -> dict[str, Any]:
        """Return the values of decorators by name."""
        known = _KNOWN_DECORATORS.get(type(decl), ())
        found: dict[str, Any] = {}
        for deco in decl.decorators:
            name = deco.name.value
            if name not in known:
                self._program.report(faults.unknown_decorator(deco.name.span, name, known))
            elif name in found:
                self._program.report(codes.duplicate_name(deco.name.span, name, what="decorator"))
            elif name in _EFFECTS:
                found[name] = True
                if deco.args or deco.kwargs:
                    fault = codes.wrong_arguments(deco.span, f"@{name}", extra=["a value"])
                    self._program.report(fault)
            else:
                found[name] = self._decorator_value(deco)
        return found

    def _decorator_value(self, deco: ast.Decorator) -> Any:
        name = deco.name.value
        if len(deco.args) != 1 or deco.kwargs:
            signature = "(seconds)" if name == "timeout" else "(n)"
            self._program.report(codes.wrong_arguments(deco.span, f"@{name}", signature=signature))
            return None
        known, value = self._constants.read(deco.args[0])
        if not known or name == "depth":
            return None
        fits = isinstance(value, int if name == "retry" else int | float)
        if not fits or isinstance(value, bool) or value < (0 if name == "retry" else 1e-3):
            wanted = "must be an integer" if name == "retry" else "must be a number of seconds"
            self._program.report(faults.bad_value(deco.args[0].span, f"@{name}", wanted))
            return None
        return value

    def _tool(self, entity: ToolEntity, decl: ast.Tool) -> ToolInfo:
        decorators = self._decorators(decl)
        effect = next((name for name in _EFFECTS if name in decorators), "effectful")
        timeout = decorators.get("timeout")
        source = None if decl.source is None else decl.source.value
        info = ToolInfo(
            symbol=self._module.symbol(entity.name),
            decl=decl,
            params=self._params(decl.params),
            returns=self._types.read_or_any(decl.returns),
            source=source,
            effect=effect,
            timeout_s=None if timeout is None else float(timeout),
            retries=decorators.get("retry") or 0,
        )
        self._binding(info, decl)
        return info

    def _binding(self, info: ToolInfo, decl: ast.Tool) -> None:
        """Check what runs the tool: a host function by name, or one that the host registers."""
        options = self._program.options
        name = decl.name.value
        if decl.source is None:
            if options.tools is not None and name not in options.tools:
                fault = codes.tool_not_bound(decl.name.span, name, options.tools)
                self._program.report(fault)
            elif name in options.functions:
                self._compare(info, decl, options.functions[name])
            return
        if info.source is None:
            self._program.report(faults.not_constant(decl.source.span))
            return
        if not options.trusted:
            self._program.report(codes.untrusted_host_code(decl.source.span, name, info.source))
            return
        module, colon, function = info.source.partition(":")
        if not colon or not module or not function:
            reason = 'must be "module:function"'
            self._program.report(faults.bad_value(decl.source.span, "from", reason))
            return
        if self._module.folder is None:
            return
        host = HostModule(self._module.folder.joinpath(*module.split(".")).with_suffix(".py"))
        if not host.is_readable:
            return  # an installed module, found when the program runs
        if function in host.functions:
            self._compare(info, decl, host.functions[function])
        elif function.partition(".")[0] not in host.names:
            candidates = [f"{module}:{other}" for other in host.functions]
            self._program.report(codes.tool_not_bound(decl.source.span, name, candidates))

    def _compare(self, info: ToolInfo, decl: ast.Tool, function: HostFunction) -> None:
        theirs = {param.name: param for param in function.params}
        given = {param.name for param in info.params}
        differs = [p.name for p in function.params if p.name not in given and not p.has_default]
        for param in info.params:
            other = theirs.get(param.name)
            if other is None:
                if not function.is_open:
                    differs.append(param.name)
            elif not assignable(param.type, other.type):
                differs.append(param.name)
        if differs or not assignable(function.returns, info.returns):
            written = ", ".join(f"{p.name}: {p.type}" for p in info.params)
            self._program.report(
                codes.signature_differs(
                    (decl.source or decl.name).span,
                    info.symbol,
                    f"({written}) -> {info.returns}",
                    function.written,
                )
            )
