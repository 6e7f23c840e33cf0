"""A renamed plan does the same under other names."""

from __future__ import annotations

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import walk
from sglc.compiler.plan.renaming import renamed
from sglc.compiler.source import SourceFile
from sglc.runtime.host import scripted

PROGRAM = """
tool note(text: str) -> str
prompt inner(n: int) -> int:
    "{n}: "
    for i in 1..2: "{word = gen(word)} "
    return gen(int)

prompt main(n: int) -> int:
    "{inner(n)} "
    include inner(n + 1)
    if n > 0: "{note("x")}"
    return n
"""


def test_names_change_and_nothing_else() -> None:
    program = compile_source(SourceFile("a.sgl", PROGRAM), DiagnosticSink())
    assert program is not None
    plan = renamed(program.plan, "p")
    nodes = [node for function in plan.functions.values() for node in walk(function.body)]
    symbols = {
        str(node.attrs[key])
        for node in nodes
        for key in ("callee", "constraint", "tool")
        if node.attrs.get(key) is not None
    }
    assert symbols
    assert all(name.startswith("p.") for name in symbols)
    assert symbols <= {*plan.functions, *plan.constraints, *plan.tools}
    script = {"word": ["a", "b", "c", "d"], "": ["1", "2"]}
    results = []
    for each in (program.plan, plan):
        host = scripted(script)
        host.executor._registry._functions["note"] = lambda text: text.upper()
        results.append(host.run(each, {"n": 1}))
    assert results[0].error is None
    assert results[0].text == results[1].text
    assert results[0].value == results[1].value == 1
