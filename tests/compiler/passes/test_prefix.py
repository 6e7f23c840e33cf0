"""Which beginnings calls share, as the pass sees it."""

from __future__ import annotations

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import PipelineError, parse_pipeline
from sglc.compiler.passes.prefix import Prefix
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Special, Text, from_words, to_words
from sglc.compiler.source import SourceFile

HELPERS = """
prompt one(x: str) -> str:
    "Shared opening of one: {x}"
    return gen(max_tokens=4)
prompt part(x: str):
    "included {x}"
    a = gen(max_tokens=4)
prompt idle(x: str):
    "no call {x}"
"""


def graph_of(text: str) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile("t.sgl", text), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


def prefixes(module: Module, roots: frozenset[str] | None, **options: int) -> list[str]:
    """The shared beginnings, shortest first; of their markers only that they are there."""
    made = Prefix(**options).run(module, Context(roots))
    found = made.hints.get("prefixes", ())
    assert isinstance(found, tuple)
    texts = ["".join(s.text if isinstance(s, Text) else "|" for s in from_words(w)) for w in found]  # type: ignore[arg-type]
    return sorted(texts, key=len)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('return one(q)', []),
        ('return one(q) + one("again")', ["Shared opening of one: "]),
        ('if q == "a": return one(q)\n    return one("again")', ["Shared opening of one: "]),
        ('xs = [one(x) for x in ["a", "b"]]\n    return xs[0]', ["Shared opening of one: "]),
        # Branches of one stream, and what they say alike.
        ('"opening {q}"\n    fork i in 1..2 as b:\n        "{i}"\n        a = gen(max_tokens=4)\n'
         '    return b[0].a', ["opening "]),
        ('"opening "\n    side as x:\n        "and on 1"\n        a = gen(max_tokens=4)\n'
         '    side as y:\n        "and on 2"\n        b = gen(max_tokens=4)\n    return x.a + y.b',
         ["opening and on "]),
        # A chat goes on from its first call.
        ('"opening {a = gen(max_tokens=4)} {b = gen(max_tokens=4)}"\n    return a + b', []),
        ('"opening "\n    for i in 1..3:\n        "{i}"\n        a = gen(max_tokens=4)\n'
         '    return q', []),
        # A prompt that is called begins for itself.
        ('"opening "\n    side as x:\n        part(q)\n    side as y:\n        part("b")\n'
         '    return x.text + y.text', ["included "]),
        # Arms have in common what all of them say.
        ('"opening "\n    if q == "a":\n        "left "\n    else:\n        "let "\n'
         '    side as x: a = gen(max_tokens=4)\n    side as y: b = gen(max_tokens=4)\n'
         '    return x.a + y.b', ["opening le"]),
    ],
)  # fmt: skip
def test_calls_begin_alike(body: str, expected: list[str]) -> None:
    module = graph_of(f"{HELPERS}prompt main(q: str) -> str:\n    {body}\n")
    assert prefixes(module, frozenset({"main"}), min_chars=4) == expected


def test_an_included_prompt_begins_with_what_it_is_included_behind() -> None:
    module = graph_of("""
prompt part(x: str):
    "included {x}"
    a = gen(max_tokens=4)
prompt main(q: str):
    "opening "
    include part(q)
prompt both(q: str) -> str:
    "opening "
    side as x: include part(q)
    side as y: include part("b")
    return x.text + y.text
""")
    assert prefixes(module, frozenset({"main"}), min_chars=4) == []
    assert prefixes(module, frozenset({"both"}), min_chars=4) == ["opening included "]
    assert prefixes(module, None, min_chars=4) == ["opening included "]


def test_of_near_beginnings_the_shorter_one_counts() -> None:
    sides = "".join(
        f"    side as s{i}:\n        {text}\n        a{i} = gen(max_tokens=4)\n"
        for i, text in enumerate(['"12345 x"', '"12345 y"', '"1 {q}"'])
    )
    values = " + ".join(f"s{i}.a{i}" for i in range(3))
    text = f'prompt main(q: str) -> str:\n    "opening "\n{sides}    return {values}\n'
    module = graph_of(text)
    main = frozenset({"main"})
    assert prefixes(module, main, min_chars=4) == ["opening 1", "opening 12345 "]
    assert prefixes(module, main, min_chars=6) == ["opening 1"]
    assert prefixes(module, main, min_chars=10) == ["opening 12345 "]
    assert prefixes(module, main, min_chars=4, max_prefixes=1) == ["opening 1"]
    assert prefixes(module, main, min_chars=15) == []


def test_options_are_checked() -> None:
    with pytest.raises(PipelineError, match="min_chars must be at least 1, not 0"):
        parse_pipeline("prefix{min_chars=0}")


def test_segments_as_words() -> None:
    segments = (RoleBegin("user"), Text(""), Special("<x>"), RoleEnd("user"))
    assert from_words(to_words(segments)) == segments
    for words in (["text"], ["bold", "a"]):
        with pytest.raises(ValueError, match="no segments"):
            from_words(words)
