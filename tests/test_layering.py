"""Who may import whom. The table is the architecture; the test reads the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "api": "sglc",
    "cli": "sglc.cli",
    "compiler": "sglc.compiler",
    "constraints": "sglc.constraints",
    "grammar": "sglc.grammar",
    "runtime": "sglc.runtime",
    "server": "sglc.server",
    "stdlib": "sglc.stdlib",
    "viz": "sglc.viz",
}

# A module may import from the parts listed behind its own part, and from its own part. The first
# entry that is a prefix of a module's name is its part.
ALLOWED: dict[str, tuple[str, ...]] = {
    "sglc.constraints": (),
    "sglc.grammar": (),
    "sglc.stdlib": (),
    "sglc.compiler.plan": ("sglc.constraints",),
    "sglc.compiler.source": (),
    "sglc.compiler.diagnostics": ("sglc.compiler.source",),
    "sglc.compiler.ir": (
        "sglc.constraints",
        "sglc.grammar",
        "sglc.compiler.plan",
        "sglc.compiler.source",
        "sglc.compiler.diagnostics",
    ),
    "sglc.compiler.frontend": (
        "sglc.constraints",
        "sglc.grammar",
        "sglc.stdlib",
        "sglc.compiler.plan",
        "sglc.compiler.source",
        "sglc.compiler.diagnostics",
        "sglc.compiler.ir",
    ),
    "sglc.compiler.cost": (
        "sglc.constraints",
        "sglc.compiler.plan",
        "sglc.compiler.source",
        "sglc.compiler.ir",
    ),
    "sglc.compiler.passes": (
        "sglc.constraints",
        "sglc.compiler.plan",
        "sglc.compiler.source",
        "sglc.compiler.diagnostics",
        "sglc.compiler.ir",
        "sglc.compiler.cost",
    ),
    "sglc.compiler.lowering": (
        "sglc.constraints",
        "sglc.compiler.plan",
        "sglc.compiler.source",
        "sglc.compiler.diagnostics",
        "sglc.compiler.ir",
    ),
    "sglc.compiler.python": (
        "sglc.constraints",
        "sglc.compiler.plan",
        "sglc.compiler.source",
        "sglc.compiler.diagnostics",
        "sglc.compiler.ir",
        "sglc.compiler.lowering",
    ),
    "sglc.compiler": ("sglc.constraints", "sglc.grammar", "sglc.stdlib"),
    "sglc.runtime.core": ("sglc.constraints", "sglc.compiler.plan"),
    "sglc.runtime.config": ("sglc.constraints", "sglc.compiler.plan"),
}
_RUNTIME_ORDER = (
    ("core", "config"),
    ("tokenizer", "masks"),
    ("kernels",),
    ("layers", "attention", "kvcache"),
    ("models",),
    ("engine", "remote"),
    ("scheduler",),
    ("executor",),
    ("server",),
)
_below: tuple[str, ...] = ("sglc.constraints", "sglc.compiler.plan")
for _rank in _RUNTIME_ORDER:
    _names = tuple(f"sglc.runtime.{name}" for name in _rank)
    for _name in _names:
        ALLOWED[_name] = _below
    _below += _names
ALLOWED["sglc.runtime.embedded"] = ()
ALLOWED["sglc.runtime"] = _below
ALLOWED["sglc.server.errors"] = ()
ALLOWED["sglc.server.engine"] = (
    "sglc.constraints",
    "sglc.compiler.plan",
    "sglc.runtime",
    "sglc.server.errors",
)
ALLOWED["sglc.server"] = (
    "sglc.compiler",
    "sglc.constraints",
    "sglc.runtime",
    "sglc.viz",
    "sglc.server.engine",
    "sglc.server.errors",
)
ALLOWED["sglc.viz"] = ("sglc.compiler", "sglc.constraints")
ALLOWED["sglc.cli"] = ("sglc",)
for _name in (  # commands by other names
    "launch_server",
    "bench_latency",
    "bench_offline_throughput",
    "bench_one_batch",
    "bench_one_batch_server",
    "bench_serving",
):
    ALLOWED[f"sglc.{_name}"] = ("sglc.cli",)
ALLOWED["sglc"] = (
    "sglc.compiler",
    "sglc.runtime",
    "sglc.stdlib",
    "sglc.constraints",
    "sglc.viz",
)

HEAVY = {"torch", "numpy", "tokenizers", "transformers", "safetensors", "jinja2", "tqdm"}


def modules() -> Iterator[tuple[str, Path]]:
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
            yield ".".join((package, *parts)), path


def part_of(module: str) -> str:
    """The longest entry of the table that ``module`` lies in."""
    lying = [p for p in ALLOWED if module == p or module.startswith(p + ".")]
    return max(lying, key=len)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            if node.module == "sglc":  # `from sglc import grammar` names a package, not `sglc`
                for alias in node.names:
                    inner = f"sglc.{alias.name}"
                    yield inner if inner in FOLDERS.values() else "sglc", node.lineno
            elif node.module:
                yield node.module, node.lineno


ALL = list(modules())


@pytest.mark.parametrize(("module", "path"), ALL, ids=[name for name, _ in ALL])
def test_imports_follow_the_table(module: str, path: Path) -> None:
    mine = part_of(module)
    for target, line in imports(path):
        if target != "sglc" and not target.startswith("sglc."):
            continue
        theirs = part_of(target)
        allowed = theirs == mine or any(
            theirs == part or theirs.startswith(part + ".") for part in ALLOWED[mine]
        )
        if mine == "sglc.compiler":  # the driver and what else lies directly in compiler/
            allowed = allowed or theirs.startswith("sglc.compiler.")
        assert allowed, f"{path.relative_to(ROOT)}:{line}: {module} may not import {target}"


@pytest.mark.parametrize(
    ("module", "path"),
    [(m, p) for m, p in ALL if not m.startswith(("sglc.runtime", "sglc.server"))],
    ids=[m for m, _ in ALL if not m.startswith(("sglc.runtime", "sglc.server"))],
)
def test_compiler_side_needs_no_tensor_library(module: str, path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in tree.body:  # imports inside functions are made on first use
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] not in HEAVY, f"{module}:{node.lineno} imports {name}"
            assert not name.startswith("sglc.runtime") or part_of(module) == "sglc", (
                f"{module}:{node.lineno} imports {name} when it is itself imported"
            )
