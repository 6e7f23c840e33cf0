"""Every node knows where it was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.parser import parse
from sglc.compiler.source import SourceFile

PROGRAMS = sorted((Path(__file__).parents[2] / "fixtures" / "language").glob("*.sgl"))


def children(node: ast.Node) -> Iterator[ast.Node]:
    for name in node.FIELDS:
        value = getattr(node, name)
        yield from (
            v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, ast.Node)
        )


def walk(node: ast.Node) -> Iterator[ast.Node]:
    yield node
    for child in children(node):
        yield from walk(child)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_nodes_lie_inside_their_parents(path: Path) -> None:
    for node in walk(parse(SourceFile.read(path), DiagnosticSink())):
        assert node.span.start <= node.span.end
        for child in children(node):
            assert node.span.start <= child.span.start
            assert child.span.end <= node.span.end


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_places_hold_what_the_node_says(path: Path) -> None:
    for node in walk(parse(SourceFile.read(path), DiagnosticSink())):
        text = node.span.text
        assert text == text.strip() or isinstance(node, ast.TextChunk | ast.Module)
        match node:
            case ast.Var():
                assert text == node.name
            case ast.Name():
                assert text.strip('"') == node.value
            case ast.Int() | ast.Float():
                assert float(text) == node.value
            case ast.Hole():
                assert (text[0], text[-1]) == ("{", "}")
            case ast.Text() if node.value and '"' in text:
                assert text[-1] == '"'
            case ast.Prompt():
                assert text.startswith("prompt ")
            case ast.Regex():
                assert text == f"/{node.pattern}/"


def test_brackets_belong_to_the_operator_around_them() -> None:
    (item,) = parse(SourceFile("t.sgl", "let x = (a + b) * c\n"), DiagnosticSink()).items
    assert isinstance(item, ast.Let)
    assert item.value.span.text == "(a + b) * c"
    assert isinstance(item.value, ast.Binary)
    assert item.value.left.span.text == "a + b"


def test_blocks_end_with_their_last_statement() -> None:
    text = "prompt p():\n    if a:\n        x  # why\n\n    elif b: y\n\nlet z = 1\n"
    (prompt, _) = parse(SourceFile("t.sgl", text), DiagnosticSink()).items
    assert isinstance(prompt, ast.Prompt)
    assert prompt.span.text.endswith("elif b: y")
    (branch,) = prompt.body
    assert isinstance(branch, ast.If)
    assert [arm.span.text for arm in branch.arms] == ["if a:\n        x", "elif b: y"]
