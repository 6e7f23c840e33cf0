"""Greedy programs: the model behind our server writes what it writes here, program by program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from generators.servers import RunningServer

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.elsewhere import ServerHost, ServerOptions, load_remote
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

EXAMPLES = Path(__file__).parents[3] / "examples"
CASES: list[tuple[str, Mapping[str, Any]]] = [
    ("capitals", {"question": "What is the capital of France?"}),
    ("debate", {"topic": "Schools should start later."}),
    ("dns_ip", {}),
    ("judge", {"essay": "Music brings people together. It also makes people happy."}),
    ("multi_turn", {"question_1": "What is the capital of Japan?", "question_2": "And of Peru?"}),
    ("tip_suggestion", {}),
    ("tool_use", {"question": "What is 3 * 4?"}),
    ("tour", {}),
]


@pytest.fixture(scope="module")
def here() -> Iterator[LocalHost]:
    host = load(LocalOptions(dtype="float32", search_path=(str(EXAMPLES),)))
    yield host
    host.executor.close()


@pytest.fixture(scope="module")
def there(server: RunningServer) -> Iterator[ServerHost]:
    host = load_remote(ServerOptions(url=server.url, search_path=(str(EXAMPLES),)))
    yield host
    host.close()


def plan_of(name: str) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(SourceFile.read(EXAMPLES / f"{name}.sgl"), sink)
    assert program is not None, sink.diagnostics
    return program.plan.with_entry(name)


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[name for name, _ in CASES])
def test_an_example(
    here: LocalHost, there: ServerHost, name: str, arguments: Mapping[str, Any]
) -> None:
    plan = plan_of(name)
    assert there.unserved(plan) == []
    wanted, found = here.run(plan, arguments), there.run(plan, arguments)
    assert wanted.error is None
    assert found.error is None, found.error
    assert found.captures == wanted.captures
    assert found.value == wanted.value
    assert found.messages == wanted.messages
