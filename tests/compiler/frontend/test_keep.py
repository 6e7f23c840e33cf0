"""``keep`` takes a branch into the message that it began in."""

from __future__ import annotations

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.frontend.check import check
from sglc.compiler.source import SourceFile

FORK = 'fork i in 1..2 as b: "x{i}"'


def problems(body: str) -> list[str]:
    sink = DiagnosticSink()
    check(SourceFile("t.sgl", f"prompt p():\n{body}"), sink)
    return [d.message for d in sink.diagnostics if d.code == "SGL0201"]


@pytest.mark.parametrize("kept", ["b[0]", "best(b, by=.i)"])
def test_a_branch_is_kept_in_another_message(kept: str) -> None:
    inside = f"    {FORK}\n    user:\n        keep {kept}\n"
    assert problems(inside) == ["`keep` inside `user` of a branch that began outside of messages"]
    outside = f"    user:\n        {FORK}\n    keep {kept}\n"
    assert problems(outside) == [
        "`keep` outside of messages of a branch that began inside a `user` message"
    ]


@pytest.mark.parametrize(
    "body",
    [
        f"    user:\n        {FORK}\n        keep b[0]\n",
        f"    {FORK}\n    keep b[0]\n",
        '    side as s:\n        user: "x"\n    keep s\n',
        '    fork i in 1..2 as b:\n        user: "x"\n    for c in b:\n        keep c\n',
    ],
)
def test_a_branch_is_kept_where_it_began(body: str) -> None:
    assert problems(body) == []
