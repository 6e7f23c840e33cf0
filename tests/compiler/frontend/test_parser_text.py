"""Texts: escapes, holes, the indentation of block texts, places."""

from __future__ import annotations

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.parser import parse
from sglc.compiler.source import SourceFile


def text_of(written: str) -> ast.Text:
    sink = DiagnosticSink()
    module = parse(SourceFile("t.sgl", f"prompt p():\n    {written}\n"), sink)
    assert sink.diagnostics == []
    (item,) = module.items
    assert isinstance(item, ast.Prompt)
    (say,) = item.body
    assert isinstance(say, ast.Say)
    assert isinstance(say.expr, ast.Text)
    return say.expr


def shown(text: ast.Text) -> list[str]:
    """Chunks as they are, holes as ``name=expr`` in source text."""
    return [
        part.value
        if isinstance(part, ast.TextChunk)
        else f"<{part.name.value + '=' if part.name else ''}{part.expr.span.text}>"
        for part in text.parts
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('""', ""),
        ('""""""', ""),
        (r'"a\n\t\"\\\r\0\/b"', 'a\n\t"\\\r\0/b'),
        (r'"\{x\} {{y}} \u0041\u00e9"', "{x} {y} Aé"),
        (r'"\ud83d\ude00"', "😀"),
        ('"a # b"', "a # b"),
        ('"a\\\n      b"', "ab"),
        ('"a\\\r\n      b"', "ab"),
        ('r"a\\n{b}"', "a\\n{b}"),
        ('r"""a"b\n      {c}"""', 'a"b\n      {c}'),
        ('"""a "b" ""c"""', 'a "b" ""c'),
        ('"""\n        a\n          b\n\n        c\n        """', "a\n  b\n\nc"),
        ('"""\r\n        a\r\n        b\r\n        """', "a\nb"),
        ('"""a\n        b\n         c"""', "a\nb\n c"),
        ('"""\n        a\n    b"""', "    a\nb"),
        ('"""\n        a\\n b\n        c"""', "a\n b\nc"),
        ('"""\n        a \\\n           b\n        c"""', "a b\nc"),
        ('"""\n        a\n            \n        b"""', "a\n    \nb"),
        ('"""   \n        a\n        """', "a"),
        ('"""\n        a\n\n        """', "a\n"),
        ('"""\n        \\n\n        a"""', "\n\na"),
        ('"""\n    """', ""),
        ('"""\n\t    a\n\t  b"""', "  a\nb"),
    ],
)
def test_value(written: str, value: str) -> None:
    assert text_of(written).value == value


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ('"{x}"', ["<x>"]),
        ('"a{x}b{y = f("q")}c"', ["a", "<x>", "b", '<y=f("q")>', "c"]),
        ('"{x == y}{ z }"', ["<x == y>", "<z>"]),
        ('"{ {a: "q"} }"', ['<{a: "q"}>']),
        ('"{{{x}}}"', ["{", "<x>", "}"]),
        ('"""\n        {x}\n          {y} z\n        """', ["<x>", "\n  ", "<y>", " z"]),
        ('"""\n          a\n        {x}"""', ["  a\n", "<x>"]),
        ('"""{x}\n          a\n        """', ["<x>", "\na"]),
        ('"""\n        a {f(\n  1)}\n        """', ["a ", "<f(\n  1)>"]),
    ],
)
def test_holes(written: str, parts: list[str]) -> None:
    text = text_of(written)
    assert shown(text) == parts
    assert text.value is None


def test_places_of_chunks_and_holes() -> None:
    text = text_of(r'"a\n{name = gen(line)}\u0041 b"')
    assert [part.span.text for part in text.parts] == [
        r"a\n",
        "{name = gen(line)}",
        r"\u0041 b",
    ]
    hole = text.parts[1]
    assert isinstance(hole, ast.Hole)
    assert hole.name is not None
    assert (hole.name.span.text, hole.expr.span.text) == ("name", "gen(line)")
    assert text.span.text == r'"a\n{name = gen(line)}\u0041 b"'


def test_raw_text_is_marked() -> None:
    text = text_of('r"{x}"')
    assert text.raw
    assert [part.span.text for part in text.parts] == ["{x}"]
