"""What the checks find out about valid programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc import stdlib
from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.check import CheckOptions, check
from sglc.compiler.frontend.checked import Builtin, Checked, FnInfo, PromptInfo, ToolInfo
from sglc.compiler.frontend.sema.walk import descend
from sglc.compiler.source import SourceFile
from sglc.constraints import types as t

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.sgl"))
STD = sorted(Path(stdlib.__path__[0]).glob("*.sgl"))


def checked_of(text: str, name: str = "test.sgl", options: CheckOptions | None = None) -> Checked:
    """Check a program that must have no errors."""
    sink = DiagnosticSink()
    checked = check(SourceFile(name, text), sink, options=options or CheckOptions())
    assert checked is not None, [d.message for d in sink.diagnostics]
    return checked


def messages(text: str) -> list[str]:
    """Return codes and messages of a program."""
    sink = DiagnosticSink()
    check(SourceFile("test.sgl", text), sink)
    return [f"{d.code} {d.message}" for d in sink.diagnostics]


def captures(text: str, prompt: str = "p") -> dict[str, str]:
    """Return the captures of a prompt with their types."""
    return {name: str(type_) for name, type_ in checked_of(text).prompts[prompt].captures}


@pytest.mark.parametrize("path", [*EXAMPLES, *STD], ids=lambda path: path.stem)
def test_examples_and_library_have_nothing_to_report(path: Path) -> None:
    sink = DiagnosticSink()
    assert check(SourceFile.read(path), sink) is not None
    assert sink.diagnostics == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_expression_of_a_body_has_a_type(path: Path) -> None:
    checked = check(SourceFile.read(path), DiagnosticSink())
    assert checked is not None
    for info in checked.prompts.values():
        for node in descend(*info.decl.body):
            match node:
                case ast.Say(expr=expr) | ast.Hole(expr=expr) | ast.Bind(value=expr):
                    assert isinstance(checked.type_of(expr), t.Type)
                case ast.Call(callee=ast.Var(name="gen" | "select")):
                    assert checked.gen(node).type is not None


def test_captures_are_in_order_and_optional_when_a_path_leaves_them_unset() -> None:
    text = (ROOT / "examples" / "tool_use.sgl").read_text(encoding="utf-8")
    assert list(captures(text, "tool_use").items()) == [
        ("tool", '"calculator" | "search engine"'),
        ("expression", "line?"),
        ("word", "line?"),
    ]


def test_branches_and_groups_are_no_captures() -> None:
    text = (ROOT / "examples" / "tip_suggestion.sgl").read_text(encoding="utf-8")
    assert captures(text, "tip_suggestion") == {"summary": "str"}


def test_a_name_bound_in_every_case_is_set_afterwards() -> None:
    text = """
prompt p(flag: bool):
    if flag: x = gen(int)
    else: x = gen(line)
    match flag:
        true: y = 1
        false: y = 2
    for n in 1..2: z = n
    "{x}{y}{z}"
"""
    assert captures(text) == {"x": "int | line", "y": "int", "z": "int(1..2)"}


def test_tests_narrow_what_they_test() -> None:
    text = """
prompt p(a: str?, step: {tool: "x" | "y", note: str?}, b: int?):
    if a != none and len(a) > 1: one = a
    if step.tool == "x": two = step.tool
    else: three = step.tool
    if step.note == none: return
    four = step.note
    five = b if b != none else 0
    match step.tool:
        "x": six = step.tool
        else: six = "none"
"""
    assert captures(text) == {
        "one": "str?",
        "two": "str?",
        "three": "str?",
        "four": "str?",
        "five": "int?",
        "six": "str?",
    }
    assert messages(text) == []


def test_rebinding_clears_what_was_known() -> None:
    text = """
prompt p(a: str?):
    if a != none:
        a = none
        "{a}"
"""
    assert messages(text) == ["SGL0407 `a` may be none here"]


def test_a_loop_sees_what_its_end_binds() -> None:
    text = """
prompt p(n: int) -> str:
    x = none
    while x == none limit n:
        x = gen(line)
    if x == none: return "nothing"
    return x
"""
    assert messages(text) == []


def test_gen_takes_its_type_from_the_binding_and_options_from_outside() -> None:
    checked = checked_of("""
config:
    temperature = 0.3
    max_tokens = 50
prompt p(n: int):
    x: int(1..10) = gen()
    with temperature=0.7, stop="\\n":
        y = gen(max_tokens=n)
        z = gen(line, temperature=0, stop=["a", "b"])
    w = gen("yes" | "no")
""")
    gens = [
        checked.gen(node)
        for node in descend(*checked.prompts["p"].decl.body)
        if isinstance(node, ast.Call) and isinstance(checked.callee(node), Builtin)
    ]
    assert [str(info.type) for info in gens] == ["int(1..10)", "str", "line", '"yes" | "no"']
    assert gens[0].options == {"temperature": 0.3, "max_tokens": 2}
    assert gens[1].options["temperature"] == 0.7
    assert gens[1].options["stop"] == ["\n"]
    assert isinstance(gens[1].options["max_tokens"], ast.Var)
    assert gens[2].options == {"temperature": 0, "stop": ["a", "b"], "max_tokens": 50}
    assert gens[3].options["max_tokens"] == 3


def test_callees_are_what_the_names_mean() -> None:
    checked = checked_of("""
import std.text
tool look(q: str) -> str
fn twice(s: str) -> str = s + s
prompt ask(q: str) -> str:
    "{q}"
    return gen(line)
prompt p(q: str):
    "{ask(q)}{twice(q)}{look(q)}{text.clip(q, 3)}{len(q)}"
""")
    kinds = [
        type(checked.callee(node))
        for node in descend(*checked.prompts["p"].decl.body)
        if isinstance(node, ast.Call)
    ]
    assert kinds == [PromptInfo, FnInfo, ToolInfo, FnInfo, Builtin]
    assert "std.text.clip" in checked.fns
    assert checked.tools["look"].effect == "effectful"


def test_constants_are_computed_as_the_run_would() -> None:
    checked = checked_of("""
let base = 2 + 3 * 4
let names = [upper(n) for n in ["a", "b"] if n != "b"]
let text = "{base} {join(names)} {half(base)}"
fn half(n: int, by: int = 2) -> number = n / by
prompt p(width: int = base, label: str = text):
    "{width}{label}{base}"
""")
    params = checked.prompts["p"].params
    assert [param.default for param in params] == [14, "14 A 7.0"]
    hole = checked.prompts["p"].decl.body[0]
    assert isinstance(hole, ast.Say)
    assert isinstance(hole.expr, ast.Text)
    last = hole.expr.parts[-1]
    assert isinstance(last, ast.Hole)
    constant = checked.constant(last.expr)
    assert constant is not None
    assert constant.value == 14


def test_batches_hold_rows_or_a_path() -> None:
    checked = checked_of("""
let cities = ["Lima", "Oslo"]
prompt p(city: str, k: int = 1):
    "{city}{k}"
batch p from [{city: c} for c in cities] to "out" + ".jsonl"
batch p from "rows.jsonl"
""")
    assert checked.batches[0].rows == ({"city": "Lima"}, {"city": "Oslo"})
    assert checked.batches[0].output == "out.jsonl"
    assert checked.batches[1].rows == "rows.jsonl"


def test_decorators_of_tools() -> None:
    checked = checked_of("""
@readonly @timeout(2.5) @retry(3)
tool a(q: str) -> str
@pure
tool b() -> int
""")
    tool = checked.tools["a"]
    assert (tool.effect, tool.timeout_s, tool.retries) == ("readonly", 2.5, 3)
    assert checked.tools["b"].effect == "pure"


def test_recursive_types_are_expanded_to_their_depth() -> None:
    checked = checked_of("""
@depth(2)
type Tree = {value: str, kids: list[Tree]}
prompt p(tree: Tree):
    "{tree}"
""")
    assert str(checked.prompts["p"].params[0].type) == (
        "{value: str, kids: list[{value: str, kids: list[str](max=0)}]}"
    )


def test_an_error_does_not_cause_others() -> None:
    text = """
prompt p(q: Strng) -> int:
    a = missing(q)
    b = a.field + 1
    for x in b: "{x.y}"
    if a == "x": "{b}"
    return a
"""
    assert messages(text) == ["SGL0101 unknown type `Strng`", "SGL0101 unknown name `missing`"]


def test_untyped_prompts_give_the_record_of_their_captures() -> None:
    text = """
prompt ask(q: str):
    "{q}{reply = gen(line)}"
prompt p(q: str) -> str:
    r = ask(q)
    both = [ask(x) for x in [q, q]]
    return r.reply + join(both.reply)
"""
    assert messages(text) == []
