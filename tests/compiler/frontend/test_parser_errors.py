"""What a mistake is called, where it is shown, and that reading goes on after it.

After a change of wording, run this file as a script to rewrite the expected text, and read the
difference.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sglc.compiler.diagnostics import Diagnostic, DiagnosticSink
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.parser import parse
from sglc.compiler.source import SourceFile

EXPECTED = Path(__file__).parents[2] / "fixtures" / "diagnostics" / "syntax.txt"

# Bodies of a prompt, then whole files.
BODIES = [
    'user "hi"',
    'user: "hi',
    '"a } b"',
    '"a \\q b"',
    '"\\ud800"',
    'usr: "hi"',
    'note: "hi"',
    'if x == "a"\n        "b"',
    'if x = "a":\n        "b"',
    "keep = 3",
    "true = 3",
    'else:\n        "x"',
    'y = f(x,\n    "b"',
    "y = [1, 2)",
    "y = )",
    '"{"a": 1}"',
    '"{}"',
    '"""\n    {"a": 1}\n    """',
    '"x"\n        "y"',
    '    "x"\n    "y"',
    'while x:\n        "y"',
    'while x\n        "y"',
    "'hi'",
    "x = 1;",
    "x = “hi”",
    "x = a && b",
    "y = gen(1, a=2, 3)",
    "y = gen(max_tokens: 5)",
    'match x:\n    "a": "b"',
    'match x: "a"',
    "for a b in x:\n        a",
    '"{x y}"',
    '"{x"',
    '"""\n        hi {x\n        """',
    "y =",
    "y = x..",
    "y = 5 5",
    'y = "a" "b"',
    "y = if",
    "import z",
    "(",
    '"日本{語}"',
    '"""abc',
    'r"abc',
    'r"""abc',
    '{"a{x}": 1}',
    "for in in x: x",
    "y = " + "9" * 1001,
    "y = 1.0e999",
]
FILES = [
    '"hi"\n',
    "x = 1\n",
    'pompt a():\n    "x"\n',
    'prompt a()\n    "x"\n',
    'prompt a(x):\n    "x"\n',
    "prompt a():\n",
    'prompt a():\n"x"\n',
    'prompt for(true: str):\n    "x"\n',
    '  prompt a():\n    "x"\n',
    'prompt a():\n\t  "x"\n\t"y"\n',
    "fn f(x: int) = x\n",
    "tool f(x: int)\n",
    "let x = \x00\n",
    "type A:\n    a int\n",
    "config: a = 1\n",
    "@pure\n",
]


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    return dict(zip(programs(), EXPECTED.read_text(encoding="utf-8").split(SEPARATOR), strict=True))


SEPARATOR = "\n----\n"


def programs() -> list[str]:
    return [f"prompt ask(x: str):\n    {body}\n" for body in BODIES] + FILES


@pytest.mark.parametrize("program", programs())
def test_wording(program: str, expected: dict[str, str]) -> None:
    assert shown(program) == expected[program]


def diagnostics(program: str) -> tuple[ast.Module, list[Diagnostic]]:
    sink = DiagnosticSink()
    module = parse(SourceFile("t.sgl", program), sink)
    return module, sink.diagnostics


def shown(program: str) -> str:
    sink = DiagnosticSink()
    parse(SourceFile("t.sgl", program), sink)
    stream = io.StringIO()
    sink.print(stream)
    return stream.getvalue()


def names(module: ast.Module) -> list[str]:
    return [item.name.value for item in module.items if isinstance(item, ast.Declaration)]


@pytest.mark.parametrize(
    "mistake",
    [
        "prompt b():\n    user 1\n",
        "prompt b():\n    y = f(x,\n",
        'prompt b():\n    "abc\n',
        'prompt b():\n    """abc {x y} "prompt z():"\nprompt z():\n    """\n',
        'prompt b():\n    """abc\n',
        "prompt b():\n        x\n    y\n",
        "prompt b()\n    x\n",
        ")\n",
        "prompt b():\n    {\n    [\n",
        "promt b():\n    x\n",
        'prompt b():\n    """abc\n    {x}\n',
        'prompt b():\n    r"""abc\n',
    ],
)
def test_other_items_survive_a_mistake(mistake: str) -> None:
    before, after = "prompt a():\n    x\n", 'prompt c():\n    """\n    x\n    """\n'
    module, found = diagnostics(before + mistake + after)
    assert [d.code[:5] for d in found] == ["SGL00"]
    assert names(module) == ["a", "c"]


def test_every_item_with_a_mistake_is_reported() -> None:
    program = "".join(f"prompt p{n}():\n    user {n}\n\n" for n in range(5))
    _, found = diagnostics(program)
    assert [d.span.line for d in found if d.span] == [2, 5, 8, 11, 14]


def test_mistakes_inside_texts_do_not_end_the_item() -> None:
    module, found = diagnostics('prompt a():\n    "a } \\q }"\n    """ } """\n')
    assert [d.code for d in found] == ["SGL0004", "SGL0006", "SGL0004", "SGL0004"]
    assert names(module) == ["a"]


def test_end_of_input_points_past_the_last_character() -> None:
    _, (found,) = diagnostics("prompt a():\n    x = \n\n# end\n")
    assert found.span is not None
    assert tuple(found.span.file.position(found.span.start)) == (2, 8)


if __name__ == "__main__":
    EXPECTED.write_text(SEPARATOR.join(map(shown, programs())), encoding="utf-8")
