"""Text in, tree out."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.compiler.diagnostics import DiagnosticSink, render
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.parser import parse
from sglc.compiler.source import SourceFile

PROGRAMS = sorted((Path(__file__).parents[2] / "fixtures" / "language").glob("*.sgl"))


def module_of(text: str) -> ast.Module:
    sink = DiagnosticSink()
    module = parse(SourceFile("t.sgl", text), sink)
    assert [render(d) for d in sink.diagnostics] == []
    return module


def expr_of(text: str) -> ast.Expr:
    (item,) = module_of(f"let x = {text}\n").items
    assert isinstance(item, ast.Let)
    return item.value


def body_of(*lines: str) -> tuple[ast.Stmt, ...]:
    text = "prompt p():\n" + "".join(f"    {line}\n" for line in lines)
    (item,) = module_of(text).items
    assert isinstance(item, ast.Prompt)
    return item.body


def dump(value: object) -> str:
    """A node as ``Type(child, …)``, without places, names and constants as they are written."""
    match value:
        case tuple():
            return f"[{', '.join(map(dump, value))}]"
        case ast.Name():
            return value.value
        case ast.Var():
            return value.name
        case ast.TextChunk():
            return repr(value.value)
        case ast.Int() | ast.Float() | ast.Bool():
            return repr(value.value)
        case ast.Text(raw=False) if value.value is not None:
            return repr(value.value)
        case ast.Node():
            parts = [getattr(value, name) for name in value.FIELDS if name != "span"]
            return f"{type(value).__name__}({', '.join(map(dump, parts))})"
    return str(value)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_of_the_reference(path: Path) -> None:
    sink = DiagnosticSink()
    module = parse(SourceFile.read(path), sink)
    assert sink.diagnostics == []
    assert len(module.items) == {"chosen": 2, "readme": 13, "search_agents": 18}[path.stem]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 + 2 * 3", "Binary(+, 1, Binary(*, 2, 3))"),
        ("(1 + 2) * 3", "Binary(*, Binary(+, 1, 2), 3)"),
        ("1 - 2 - 3", "Binary(-, Binary(-, 1, 2), 3)"),
        ("-a.b", "Unary(-, Attr(a, b))"),
        ("a / b", "Binary(/, a, b)"),
        ("/a b/", "Regex(a b)"),
        (r"/a\/b{1,2}/", r"Regex(a\/b{1,2})"),
        ("a or b or c", "Or([a, b, c])"),
        ("a or b and not c", "Or([a, And([b, Not(c)])])"),
        ("not a == b", "Not(Compare(==, a, b))"),
        ("a not in b", "NotIn(a, b)"),
        ("a in 0..(n - 1)", "In(a, Range(0, Binary(-, n, 1)))"),
        ("1..2", "Range(1, 2)"),
        ("1.5..2.0e3", "Range(1.5, 2000.0)"),
        ('"a" | "b" | "c"', "Union(['a', 'b', 'c'])"),
        ("a if b else c if d else e", "Ternary(b, a, Ternary(d, c, e))"),
        ("try f(x) else none", "Try(Call(f, [x], []), NoneLiteral())"),
        ("best(x, by=.judge.score)", "Call(best, [x], [Kwarg(by, Selector([judge, score]))])"),
        (".a", "Selector([a])"),
        ("list[int](max=4)", "Call(Index(list, int), [], [Kwarg(max, 4)])"),
        ("s[:n]", "Slice(s, None, n)"),
        ("s[1:]", "Slice(s, 1, None)"),
        ("s[:]", "Slice(s, None, None)"),
        ("str?", "OptionalMark(str)"),
        ("tip[0].detail", "Attr(Index(tip, 0), detail)"),
        ("[]", "List([])"),
        ("[1, 2,]", "List([1, 2])"),
        ("{}", "Record([])"),
        (
            '{a: 1, "b c": none, r"d\\": 2}',
            "Record([Pair(a, 1), Pair(b c, NoneLiteral()), Pair(d\\, 2)])",
        ),
        ("[x for x in xs if x]", "ListComp(x, x, xs, x)"),
        ("[x for x in xs]", "ListComp(x, x, xs, None)"),
        ("f(\n    1,\n\n  # why\n  b=2)", "Call(f, [1], [Kwarg(b, 2)])"),
        ("{if: 1, for: 2}", "Record([Pair(if, 1), Pair(for, 2)])"),
        ("x.type.prompt", "Attr(Attr(x, type), prompt)"),
        ("fork + keep", "Binary(+, fork, keep)"),
    ],
)
def test_expressions(text: str, tree: str) -> None:
    assert dump(expr_of(text)) == tree


@pytest.mark.parametrize(
    ("lines", "tree"),
    [
        (["x"], "[Say(x)]"),
        (["x = 1"], "[Bind(x, None, 1)]"),
        (["x: int = gen()"], "[Bind(x, int, Call(gen, [], []))]"),
        (["include p(1)"], "[Include(Call(p, [1], []))]"),
        (["x: int = include p()"], "[IncludeBind(x, int, Call(p, [], []))]"),
        (["keep b", "return", "return x"], "[Keep(b), Return(None), Return(x)]"),
        (["check a, b", "check a"], "[Check(a, b), Check(a, None)]"),
        (["user: x"], "[Role('user', [Say(x)])]"),
        (['role "tool": user: x'], "[Role('tool', [Role('user', [Say(x)])])]"),
        (["user = 1", "user"], "[Bind(user, None, 1), Say(user)]"),
        (
            ["if a: pass", "elif b: break", "else: continue"],
            "[If([IfArm(a, [Pass()]), IfArm(b, [Break()])], [Continue()])]",
        ),
        (["if a: x"], "[If([IfArm(a, [Say(x)])], None)]"),
        (
            ["match x:", "    1, 2: a", "    else: b"],
            "[Match(x, [Case([1, 2], [Say(a)])], [Say(b)])]",
        ),
        (["for i, x in xs: x"], "[For(i, x, xs, [Say(x)])]"),
        (["for x in xs:", "    x", "    y"], "[For(None, x, xs, [Say(x), Say(y)])]"),
        (["while a limit 3: x"], "[While(a, 3, [Say(x)])]"),
        (["fork i in xs as t: x"], "[ForkEach(i, xs, t, [Say(x)])]"),
        (
            ["fork as t:", "    a: x", "    b: y"],
            "[ForkNamed(t, [Branch(a, [Say(x)]), Branch(b, [Say(y)])])]",
        ),
        (["side: x", "side as s: x"], "[Side(None, [Say(x)]), Side(s, [Say(x)])]"),
        (["span s: x"], "[SpanBlock(s, [Say(x)])]"),
        (["with a=1, b=2: x"], "[With([Kwarg(a, 1), Kwarg(b, 2)], [Say(x)])]"),
        (
            ["if a:", "    if b:", "        x", "y"],
            "[If([IfArm(a, [If([IfArm(b, [Say(x)])], None)])], None), Say(y)]",
        ),
    ],
)
def test_statements(lines: list[str], tree: str) -> None:
    assert dump(body_of(*lines)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("import a.b as c\n", "Import(a.b, c)"),
        ("from a.b import c, d\n", "ImportNames(a.b, [c, d])"),
        ("config:\n    a = 1\n    b = 2\n", "Config([ConfigEntry(a, 1), ConfigEntry(b, 2)])"),
        ("let a: int = 1\n", "Let(a, [], None, int, 1)"),
        ("type A = int | str\n", "TypeAlias(A, [], None, Union([int, str]))"),
        (
            'type A:\n    a: int = 1\n    "b c": str?\n',
            "TypeRecord(A, [], None, "
            "[TypeField(a, int, 1), TypeField(b c, OptionalMark(str), None)])",
        ),
        (
            "@depth(3)\ntype A = list[A]\n",
            "TypeAlias(A, [Decorator(depth, [3], [])], None, Index(list, A))",
        ),
        (
            '@readonly @timeout(s=10)\n@pure\ntool f(a: int = 1,) -> str from "m:f"\n',
            "Tool(f, [Decorator(readonly, [], []), Decorator(timeout, [], [Kwarg(s, 10)]), "
            "Decorator(pure, [], [])], None, [Param(a, int, 1)], str, 'm:f')",
        ),
        ("tool f() -> str\n", "Tool(f, [], None, [], str, None)"),
        ("fn f(a: int) -> int = a\n", "Fn(f, [], None, [Param(a, int, None)], int, a)"),
        ("prompt p() -> int: pass\n", "Prompt(p, [], None, [], int, [Pass()])"),
        ('batch p from "a" to "b"\n', "Batch(p, 'a', 'b')"),
        ("batch p from []\n", "Batch(p, List([]), None)"),
        (
            'test "t":\n    r = run p(1) using mock()\n    r = run p()\n'
            '    expect r, "m"\n    expect r\n',
            "Test('t', [Run(r, Call(p, [1], []), Call(mock, [], [])), "
            "Run(r, Call(p, [], []), None), Expect(r, 'm'), Expect(r, None)])",
        ),
    ],
)
def test_items(text: str, tree: str) -> None:
    (item,) = module_of(text).items
    assert dump(item) == tree


def test_doc_comments_belong_to_the_item_below() -> None:
    text = (
        "## not this\n\n## one\n##  two\n@pure\ntool f() -> str\n# plain\nlet a = 1\n"
        "## last\nprompt p(): pass\n"
    )
    items = module_of(text).items
    assert [item.doc for item in items if isinstance(item, ast.Declaration)] == [
        "one\n two",
        None,
        "last",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# only\n", "  \n\t\n", "let a = 1", "let a = 1 # end", "\r\nlet a = 1\r\n"],
)
def test_blank_and_unfinished_last_lines(text: str) -> None:
    assert len(module_of(text).items) == text.count("let")


def test_tabs_count_as_four_columns() -> None:
    (item,) = module_of("prompt p():\n\tx\n    y\n").items
    assert isinstance(item, ast.Prompt)
    assert len(item.body) == 2
