"""Modules: what is found, what is read, and what an untrusted program may not do."""

from __future__ import annotations

from pathlib import Path

from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.frontend.check import CheckOptions, check
from sglc.compiler.frontend.checked import Checked
from sglc.compiler.source import SourceFile


def run(folder: Path, text: str, **files: str) -> tuple[Checked | None, list[str]]:
    """Check a program in a folder with other files; ``__`` in a name stands for a slash."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    entry = folder / "main.sgl"
    entry.write_text(text, encoding="utf-8")
    sink = DiagnosticSink()
    checked = check(SourceFile.read(entry), sink)
    return checked, [f"{d.code} {d.message}" for d in sink.diagnostics]


def test_symbols_carry_the_module(tmp_path: Path) -> None:
    checked, found = run(
        tmp_path,
        'import lib.a\nfrom lib.a import twice\nprompt p(q: str):\n    "{a.ask(q)}{twice(q)}"\n',
        lib__a_dot_sgl=(
            "fn twice(s: str) -> str = s + s\n"
            'prompt ask(q: str) -> str:\n    "{q}"\n    return gen(line)\n'
        ),
    )
    assert found == []
    assert checked is not None
    assert set(checked.prompts) == {"lib.a.ask", "p"}
    assert set(checked.fns) == {"lib.a.twice"}
    assert len(checked.modules) == 2


def test_types_and_constants_come_with_a_module(tmp_path: Path) -> None:
    _, found = run(
        tmp_path,
        "import a\nlet n = a.size + 1\nprompt p(k: a.Kind, m: int = n) -> a.Kind:\n"
        '    "{k}{m}{a.size}"\n    return k\n',
        a_dot_sgl='type Kind = "x" | "y"\nlet size = 3\n',
    )
    assert found == []


def test_host_functions_are_read_and_not_imported(tmp_path: Path) -> None:
    checked, found = run(
        tmp_path,
        "from host import find\n"
        'prompt p(q: str):\n    for d in find(q): "{d.title} {d.rank + 1}"\n',
        host_dot_py=(
            "raise RuntimeError('imported')\nfrom typing import TypedDict\n"
            "class Doc(TypedDict):\n    title: str\n    rank: int\n"
            "def find(q: str, k: int = 3) -> list[Doc]: ...\n"
        ),
    )
    assert found == []
    assert checked is not None
    tool = checked.tools["host.find"]
    assert (tool.source, tool.effect, tool.decl) == ("host:find", "readonly", None)
    assert str(tool.returns) == "list[{title: str, rank: int}]"


CLASSES = """
import enum
from dataclasses import dataclass, field
from pydantic import BaseModel, Field

class Kind(enum.Enum):
    A = "a"
    B = "b"

@dataclass
class Part:
    kind: Kind
    owner: "Part | None" = None
    tags: list[str] = field(default_factory=list)

class Order(BaseModel):
    id: int = Field(3, ge=1)
    parts: list[Part]

class Renamed(BaseModel):
    id: int = Field(alias="ID")

class Grown(Order):
    more: int

def order() -> Order: ...
def renamed() -> Renamed: ...
def grown() -> Grown: ...
def take(part: Part) -> None: ...
"""


def test_classes_of_host_functions_are_records(tmp_path: Path) -> None:
    checked, found = run(
        tmp_path,
        "from host import order, renamed, grown, take\nprompt p():\n"
        '    for part in order().parts: "{part.kind}{len(part.tags)}"\n'
        '    "{renamed().anything}{grown().anything}"\n'
        '    _ = take({kind: "a", owner: none})\n',
        host_dot_py=CLASSES,
    )
    assert found == []
    assert checked is not None
    part = '{kind: "a" | "b", owner: any = none, tags: list[str] = []}'
    assert str(checked.tools["host.order"].returns) == f"{{id: int = 3, parts: list[{part}]}}"
    assert str(checked.tools["host.renamed"].returns) == "any"
    assert str(checked.tools["host.grown"].returns) == "any"


def test_fields_of_classes_are_checked(tmp_path: Path) -> None:
    _, found = run(
        tmp_path,
        'from host import order\nprompt p():\n    "{order().part}"\n'
        'tool t(part: {kind: str}) -> none from "host:take"\n',
        host_dot_py=CLASSES,
    )
    assert [line[:7] for line in found] == ["SGL0403", "SGL0704"]


def test_load_reads_text_and_says_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "binary.bin").write_bytes(b"a\0b")
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    checked, found = run(
        tmp_path,
        'let a = load("a.txt")\nlet b = load("binary.bin")\nlet c = load("latin.txt")\n'
        'let d = load(".")\nlet e = load("none.txt")\n',
        a_dot_txt="text",
    )
    assert checked is None
    assert [line.partition("value: ")[2] for line in found] == [
        "binary.bin is not a text file: it holds NUL bytes",
        "latin.txt is not UTF-8 at byte 0",
        ". is a folder",
        "there is no file none.txt beside the program",
    ]


def test_errors_of_an_imported_module_are_reported_there(tmp_path: Path) -> None:
    sink = DiagnosticSink()
    (tmp_path / "a.sgl").write_text("fn f(x: int) -> int = y\n", encoding="utf-8")
    entry = tmp_path / "main.sgl"
    entry.write_text('import a\nprompt p():\n    "{a.f(1)}"\n', encoding="utf-8")
    assert check(SourceFile.read(entry), sink) is None
    places = [Path(d.span.file.name).name for d in sink.diagnostics if d.span is not None]
    assert places == ["a.sgl", "a.sgl"]


def test_the_standard_library_needs_no_folder_and_no_trust() -> None:
    sink = DiagnosticSink()
    source = SourceFile("upload", 'import std.text\nprompt p(q: str):\n    "{text.clip(q, 3)}"\n')
    assert check(source, sink, options=CheckOptions(trusted=False)) is not None
