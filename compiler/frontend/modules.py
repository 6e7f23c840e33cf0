"""Loads a program: the entry file, the modules it imports, and what their names stand for.

``import std.text`` is a module of the standard library; any other module is a ``.sgl`` file, or a
Python file with host functions, found from the folder of the file that imports it.
"""

from __future__ import annotations

from pathlib import Path

from sglc import stdlib
from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import ToolInfo
from sglc.compiler.frontend.host import HostFunction, HostModule
from sglc.compiler.frontend.parser import parse
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.program import (
    Broken,
    Entity,
    FnEntity,
    Imported,
    LetEntity,
    Module,
    Namespace,
    Program,
    PromptEntity,
    ToolEntity,
    TypeEntity,
)
from sglc.compiler.source import SourceError, SourceFile, Span

STD = "std"


class Loader:
    """Loads each module once; ``program.modules`` lists them, what is imported first."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._loaded: dict[str, Namespace | None] = {}
        self._open: list[tuple[str, str]] = []  # (key, name) of the modules being loaded
        self._names: set[str] = set()

    def load_entry(self, tree: ast.Module) -> Module:
        """Load the entry file and all it imports."""
        path = Path(tree.file.name)
        folder = path.parent if path.suffix == ".sgl" and path.is_file() else None
        module = Module(name="", tree=tree, folder=folder)
        key = str(path.resolve()) if folder is not None else ""
        self._open.append((key, path.stem or "main"))
        self._declare(module)
        self._open.pop()
        return module

    def _declare(self, module: Module) -> None:
        for item in module.tree.items:
            match item:
                case ast.Import(module=name, alias=alias):
                    self._import(module, name, alias)
                case ast.ImportNames(module=name, names=names):
                    self._import_names(module, name, names)
                case ast.Declaration():
                    self._add(module, item.name, _entity(module, item))
        self._program.modules.append(module)

    def _add(self, module: Module, name: ast.Name, entity: Entity) -> None:
        first = module.names.get(name.value)
        if first is not None:
            self._program.report(codes.duplicate_name(name.span, name.value, first.span))
        else:
            module.names[name.value] = entity

    def _import(self, module: Module, name: ast.Name, alias: ast.Name | None) -> None:
        label = alias or ast.Name(value=name.value.rpartition(".")[2], span=name.span)
        loaded = self._load(module, name)
        names = None if loaded is None else loaded.names
        entity = Namespace(name=label.value, span=label.span, module=module, names=names)
        if loaded is not None:
            module.imports.append(entity)
        self._add(module, label, entity)

    def _import_names(self, module: Module, name: ast.Name, names: tuple[ast.Name, ...]) -> None:
        loaded = self._load(module, name)
        known = None if loaded is None else loaded.names
        for item in names:
            entity: Entity
            if known is not None and item.value in known:
                target = known[item.value]
                entity = target
                module.imports.append(
                    Imported(name=item.value, span=item.span, module=module, target=target)
                )
            else:
                entity = Broken(name=item.value, span=item.span, module=module)
                if known is not None:
                    fault = codes.unknown_import(item.span, name.value, item.value, known)
                    self._program.report(fault)
            self._add(module, item, entity)

    # -- finding

    def _load(self, importer: Module, name: ast.Name) -> Namespace | None:
        parts = name.value.split(".")
        if parts[0] == STD:
            return self._load_std(name)
        if importer.folder is None:
            self._unknown(name, [])
            return None
        base = importer.folder.joinpath(*parts)
        program, host = base.with_suffix(".sgl"), base.with_suffix(".py")
        if not self._program.options.trusted and host.is_file() and not program.is_file():
            self._program.report(faults.untrusted_import(name.span, name.value))
            return None
        if program.is_file():
            return self._load_file(name, program)
        if host.is_file():
            return self._load_host(name, host)
        candidates = [".".join([*parts[:-1], path.stem]) for path in _siblings(base.parent)]
        path = "/".join(parts)
        self._unknown(name, candidates, f"there is no {path}.sgl or {path}.py beside this file")
        return None

    def _unknown(self, name: ast.Name, candidates: list[str], note: str = "") -> None:
        fault = codes.unknown_import(name.span, name.value, candidates=candidates, note=note)
        self._program.report(fault)

    def _load_std(self, name: ast.Name) -> Namespace | None:
        folder = Path(stdlib.__path__[0])  # importlib.resources would import twenty modules
        file = folder / f"{name.value.removeprefix(STD + '.')}.sgl"
        if name.value.count(".") != 1 or not file.is_file():
            known = [f"{STD}.{item.stem}" for item in folder.glob("*.sgl")]
            self._unknown(name, known)
            return None
        key = f"<{name.value}>"
        if key in self._loaded:
            return self._loaded[key]
        source = SourceFile(f"{name.value}.sgl", file.read_text(encoding="utf-8"))
        return self._load_source(name, key, source, None, is_std=True)

    def _load_file(self, name: ast.Name, path: Path) -> Namespace | None:
        key = str(path.resolve())
        names = [module for _, module in self._open]
        keys = [opened for opened, _ in self._open]
        if key in keys:
            way = [*names[keys.index(key) :], names[keys.index(key)]]
            self._program.report(codes.import_cycle(name.span, way))
            return None
        if key in self._loaded:
            return self._loaded[key]
        try:
            source = SourceFile.read(path)
        except SourceError as error:
            self._program.report(faults.unreadable_module(name.span, str(error)))
            return None
        return self._load_source(name, key, source, path.parent)

    def _load_source(
        self,
        name: ast.Name,
        key: str,
        source: SourceFile,
        folder: Path | None,
        *,
        is_std: bool = False,
    ) -> Namespace | None:
        tree = parse(source, self._program.sink)
        unique = name.value
        while unique in self._names:  # two folders may each have a module of this name
            unique += "_"
        self._names.add(unique)
        module = Module(name=unique, tree=tree, folder=folder, is_std=is_std)
        self._open.append((key, name.value))
        self._declare(module)
        self._open.pop()
        space = Namespace(name=name.value, span=None, module=module, names=module.names)
        self._loaded[key] = space
        return space

    def _load_host(self, name: ast.Name, path: Path) -> Namespace | None:
        key = str(path.resolve())
        if key in self._loaded:
            return self._loaded[key]
        host = HostModule(path)
        space: Namespace | None = None
        if not host.is_readable:
            self._program.report(faults.unreadable_module(name.span, f"{path}: is not Python"))
        else:
            names = {f.name: self._host_entity(name, f) for f in host.functions.values()}
            public = {key: entity for key, entity in names.items() if not key.startswith("_")}
            space = Namespace(name=name.value, span=None, module=None, names=public)
        self._loaded[key] = space
        return space

    def _host_entity(self, name: ast.Name, function: HostFunction) -> ToolEntity:
        info = ToolInfo(
            symbol=f"{name.value}.{function.name}",
            decl=None,
            params=function.params,
            returns=function.returns,
            source=f"{name.value}:{function.name}",
            effect="readonly",
        )
        return ToolEntity(name=function.name, span=None, module=None, decl=None, info=info)


def _siblings(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix in {".sgl", ".py"}]
    except OSError:
        return []


def _entity(module: Module, item: ast.Declaration) -> Entity:
    name, span = item.name.value, item.name.span
    match item:
        case ast.Let():
            return LetEntity(name=name, span=span, module=module, decl=item)
        case ast.TypeAlias() | ast.TypeRecord():
            return TypeEntity(name=name, span=span, module=module, decl=item)
        case ast.Prompt():
            return PromptEntity(name=name, span=span, module=module, decl=item)
        case ast.Fn():
            return FnEntity(name=name, span=span, module=module, decl=item)
        case ast.Tool():
            return ToolEntity(name=name, span=span, module=module, decl=item)
    raise AssertionError(f"not a declaration: {type(item).__name__}")


def unused_imports(module: Module) -> list[tuple[str, Span]]:
    """Return the imported names of a module that nothing uses."""
    return [
        (entity.name, entity.span)
        for entity in module.imports
        if entity.span is not None and not _is_used(entity)
    ]


def _is_used(entity: Entity) -> bool:
    return entity.target.used if isinstance(entity, Imported) else entity.used
