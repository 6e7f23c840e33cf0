"""Hostile input gets a diagnostic in bounded time: no traceback, no deep recursion."""

from __future__ import annotations

import pytest

from sglc.compiler.diagnostics import DiagnosticSink, render
from sglc.compiler.frontend.parser import parse
from sglc.compiler.source import SourceFile

BODY = "prompt a(x: str):\n    "
DEEP = 100_000
LONG = 10_000_000


def codes_of(text: str) -> list[str]:
    sink = DiagnosticSink()
    parse(SourceFile("t.sgl", text), sink)
    assert all(len(render(d)) < 2000 for d in sink.diagnostics)
    return [d.code for d in sink.diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEEP,
        "[" * DEEP + "]" * DEEP,
        "{a: " * DEEP,
        '"{' * DEEP,
        '"""{' * DEEP,
        "x" + ".a" * DEEP,
        "x" + "()" * DEEP,
        "x" + "?" * DEEP,
        "x" + "+x" * DEEP,
        "x" + " or x" * 5500,
        "".join("if x:\n" + " " * (depth + 5) for depth in range(1000)) + "x",
        "not " * 2000 + "x",
        "y = " + "-" * 2000 + "x",
        "x if x else " * 2000 + "x",
    ],
    ids=lambda text: text[:12],
)
def test_depth_is_limited(text: str) -> None:
    assert codes_of(BODY + text + "\n") == ["SGL0001"]


@pytest.mark.parametrize(
    "text",
    [
        BODY + "a" * LONG,
        BODY + '"' + "a" * LONG + '"',
        BODY + '"""' + "a\n" * 200_000 + '"""',
        BODY + "x /" + "a" * LONG + "/",
        BODY + "y = /" + "a" * LONG,
        "#" * LONG,
        " " * LONG,
        BODY + "x\n" + "\n" * 300_000,
        BODY + "x\n" + "    # why\n" * 50_000,
    ],
    ids=["name", "text", "block", "slash", "regex", "comment", "blank", "lines", "comments"],
)
def test_long_lines_are_read(text: str) -> None:
    assert len(codes_of(text + "\n")) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "\0" * 1000,
        "\f" + BODY + "x",
        "\r" * 1000,
        "".join(map(chr, range(0xD800))),
        '"' * 1001,
        BODY + '"' + "}" * 1001,
        "prompt )\n" * 300,
        "@" * 1000,
        "\ufeff\ufeff",
        "é",
        "\\\n" * 100,
        'prompt a():\n    "abc',
        'prompt a():\n    "abc\\',
        'prompt a():\n    """abc\\',
        'prompt a():\n    "{',
        BODY + "x\n\t\r\n" * 50,
    ],
)
def test_garbage_gets_diagnostics(text: str) -> None:
    assert set(codes_of(text)) <= {"SGL0001", "SGL0002", "SGL0003", "SGL0004"}


def test_number_of_errors_is_limited() -> None:
    assert len(codes_of("prompt a():\n    user 1\n" * 300)) == 100


def test_sequences_are_not_deep() -> None:
    assert codes_of("let x = [" + "1, " * 1000 + "]\n") == []
    assert codes_of("type T = " + " | ".join(f'"{n}"' for n in range(1000)) + "\n") == []
    arms = "    elif x: y\n" * 200
    assert codes_of(f"{BODY}if x: y\n{arms}") == []
