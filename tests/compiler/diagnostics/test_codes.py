"""Every code: one constructor, a severity, a page, and the text it is shown as.

After a change of wording, run this file as a script to rewrite the expected text, and read the
difference.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from sglc.compiler.diagnostics import Diagnostic, DiagnosticSink, Label, codes, render
from sglc.compiler.diagnostics.explain import explain, find_page, list_codes
from sglc.compiler.diagnostics.table import TABLE
from sglc.compiler.frontend.parser import parse
from sglc.compiler.source import SourceFile

EXPECTED = Path(__file__).parents[2] / "fixtures" / "diagnostics" / "rendered.txt"
FILE = SourceFile("t.sgl", "prompt ask(question: str):\n    answer = question\n")
HERE = FILE.span(FILE.text.rindex("question"), FILE.text.rindex("question") + 8)
THERE = FILE.span(11, 19)
NEAR = ("question", "answers")

SAMPLES: list[Diagnostic] = [
    codes.unexpected_token(HERE, "unexpected `question`", label="expected `:`"),
    codes.bad_indentation(HERE, "unexpected indentation", label="no block starts here"),
    codes.unterminated_text(HERE, '"'),
    codes.unterminated_text(HERE, '"""'),
    codes.lone_brace(HERE),
    codes.reserved_word(HERE, "true"),
    codes.bad_escape(HERE, "\\q"),
    codes.undefined_name(HERE, "qestion", NEAR, "ask"),
    codes.undefined_name(HERE, "x"),
    codes.maybe_unset(HERE, "word", [THERE], 'tool == "calculator"'),
    codes.duplicate_name(HERE, "question", THERE, "parameter"),
    codes.unused_name(HERE, "question", "parameter"),
    codes.shadowed_name(HERE, "question", THERE, "parameter"),
    codes.import_cycle(HERE, ["a", "b", "a"]),
    codes.unknown_import(HERE, "std.txt", candidates=("std.text",)),
    codes.unknown_import(HERE, "std.text", "clp", ("clip",)),
    codes.name_in_branch(HERE, "detail", "tip[i].detail", THERE),
    codes.role_in_role(HERE, "assistant", "user", THERE),
    codes.text_outside_role(HERE, "ask"),
    codes.gen_outside_assistant(HERE, "user"),
    codes.empty_message(HERE, "user"),
    codes.unknown_role(HERE, "tol", ("system", "tool")),
    codes.role_left_open(HERE, "user"),
    codes.model_cannot_see(HERE, "qwen2.5-0.5b-instruct"),
    codes.template_not_prefix_stable(HERE, "qwen3-8b", "past reasoning is dropped"),
    codes.unreachable(HERE, THERE),
    codes.unbounded_model_call(HERE, "recursion", ["a", "b", "a"]),
    codes.missing_return(HERE, "ask", "str"),
    codes.tool_result_said(HERE, "save"),
    codes.stream_op_in_fn(HERE, "gen", "title"),
    codes.stray_jump(HERE, "break"),
    codes.match_not_exhaustive(HERE, ['"stop"', '"go"']),
    codes.case_outside_domain(HERE, '"serach"', '"search" | "stop"', ['"search"']),
    codes.constant_condition(HERE, False),
    codes.type_mismatch(HERE, "int", "str", "the result of `ask`"),
    codes.wrong_arguments(
        HERE,
        "ask",
        missing=["question"],
        extra=["qestion"],
        signature="(question: str)",
        candidates=NEAR,
    ),
    codes.no_such_field(HERE, "Card", "nam", ("name", "age")),
    codes.not_a_constraint(HERE, "image"),
    codes.never_true(
        HERE,
        '"calculater"',
        '"calculator" | "search"',
        source=Label(THERE, "the choices"),
        candidates=('"calculator"', '"search"'),
    ),
    codes.unknown_option(HERE, "max_token", candidates=("max_tokens",)),
    codes.optional_unchecked(HERE, "title", "str?"),
    codes.mock_unknown_capture(HERE, "anwser", "ask", ("answer",)),
    codes.batch_columns(HERE, "ask", missing=["question"], unused=["qestion"]),
    codes.empty_language(HERE, "int(10..1)"),
    codes.unsupported_regex(HERE, "a conditional is not regular"),
    codes.max_tokens_too_small(HERE, 4, 20, "/[0-9]{40}/"),
    codes.prefix_choice(HERE, "tea", "tea with milk", THERE),
    codes.duplicate_choice(HERE, '"yes"', THERE),
    codes.suspicious_dot(HERE, "8a8b8c8", (24, 54)),
    codes.bad_stop(HERE, "\\n", "int(1..10)", always=False),
    codes.accepts_empty(HERE, "/[a-z]*/"),
    codes.automaton_too_large(HERE, "/(a{1,99}){1,99}/", 10000),
    codes.not_enforceable(HERE, "int(1..10)", "remote"),
    codes.unsupported_rules(HERE, "schema", "#/items/$ref: another document"),
    codes.dead_gen(HERE, "remark"),
    codes.order_defeats_sharing(HERE, 11, 1240, early="{question}", late="{manual}", possible=1190),
    codes.trailing_space(HERE),
    codes.may_overflow(HERE, 100200, 32768, "qwen2.5-0.5b"),
    codes.fork_too_wide(HERE, 100000, 1024),
    codes.over_budget(None, 4000, 1000),
    codes.identical_branches(HERE, 8, "k", THERE),
    codes.tool_not_bound(HERE, "wiki", ("wikis",)),
    codes.effect_in_fork(HERE, "send", THERE),
    codes.untrusted_host_code(HERE, "run", "os:system"),
    codes.signature_differs(HERE, "wiki", "(query: str) -> str", "(query: str, k: int) -> str"),
    codes.staged_execution(HERE, "act", "branches on a value the model has yet to write"),
    codes.forced_in_loop(HERE, 'f["score"]'),
    codes.state_escapes(HERE, "s", "stored in a list"),
]


def constructors() -> Iterator[str]:
    """The public functions of the wording modules."""
    for name, function in inspect.getmembers(codes, inspect.isfunction):
        assert name in codes.__all__
        if function.__module__.startswith("sglc.compiler.diagnostics.codes."):
            yield name


def test_one_constructor_per_code() -> None:
    assert len(list(constructors())) == len(TABLE)
    assert {sample.code for sample in SAMPLES} == set(TABLE)


def test_rendered_text() -> None:
    assert rendered() == EXPECTED.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", TABLE)
def test_page(code: str) -> None:
    page = find_page(code)
    assert explain(code).startswith(f"{TABLE[code].severity.value}[{code}]: ")
    if code.startswith("SGL09") or code == "SGL0206":
        compile(page.wrong + page.right, code, "exec")
        return
    assert syntax_errors(page.right) == []
    assert syntax_errors(page.wrong) == ([code] if code < "SGL0100" else [])


def syntax_errors(program: str) -> list[str]:
    sink = DiagnosticSink()
    parse(SourceFile("page.sgl", program), sink)
    return [diagnostic.code for diagnostic in sink.diagnostics]


def test_codes_are_found_in_short_form() -> None:
    assert explain("504") == explain("sgl0504") == explain("SGL0504")
    with pytest.raises(ValueError, match="did you mean SGL0504"):
        explain("SLG0504")
    with pytest.raises(ValueError, match="unknown code 'x'"):
        explain("x")


def test_list_names_every_code() -> None:
    assert [line.split()[0] for line in list_codes().splitlines()] == list(TABLE)


def rendered() -> str:
    return "\n".join(render(sample) for sample in SAMPLES)


if __name__ == "__main__":
    EXPECTED.write_text(rendered(), encoding="utf-8")
