"""Runs of programs: the same as of `sglc run`; as one reply, as events, over many rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import torch
from generators.uploads import Event, converse, run, run_source, stream, upload

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.hostmodules import HostModules
from sglc.runtime.executor.rendered import result_data
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.local import LocalHost, LocalOptions, load

EXAMPLES = Path(__file__).parents[3] / "examples"
TOM = "Tom has 3 apples and buys 5 more. How many apples does he have?"
CASES: list[tuple[str, dict[str, Any]]] = [
    ("capitals", {"question": "What is the capital of France?"}),
    ("character", {"name": "Harry Potter"}),
    ("debate", {"topic": "Schools should start later."}),
    ("dns_ip", {}),
    ("judge", {"essay": "In my opinion, music brings people together."}),
    ("multi_turn", {"question_1": "What is the capital of Japan?", "question_2": "And of Peru?"}),
    ("text_qa", {"question": "What is the capital of Italy?"}),
    ("tip_suggestion", {}),
    ("tool_use", {"question": "What is 12 * 12?"}),
    ("tour", {}),
    ("tree_of_thought", {"question": TOM, "width": 2}),
]
ADD = "prompt add(a: int, b: int = 1) -> int:\n    return a + b\n"
SAY = 'prompt say(what: str):\n    "{what}:{said = gen(max_tokens=6, temperature=1)}"\n'


@pytest.fixture(scope="module")
def host() -> Iterator[LocalHost]:
    """What `sglc run` runs on."""
    torch.set_num_threads(1)
    made = load(LocalOptions(num_slots=8192))
    yield made
    made.executor.close()


def compiled(source: str) -> Plan:
    sink = DiagnosticSink()
    optimization = Optimization(runs_entry=True)
    program = compile_source(SourceFile("program", source), sink, None, optimization)
    assert program is not None, sink.diagnostics
    return program.plan


@pytest.mark.parametrize(("file", "arguments"), CASES, ids=[file for file, _ in CASES])
def test_examples_come_to_the_same(
    http: httpx2.Client, host: LocalHost, file: str, arguments: dict[str, Any]
) -> None:
    source = (EXAMPLES / f"{file}.sgl").read_text()
    program = upload(http, source, entry=file)
    found = run(http, program, arguments=arguments, seed=11)
    expected = result_data(host.run(compiled(source), arguments, seed=11))
    assert found["status"] == "completed", found
    for key in ("value", "captures", "text", "messages"):
        assert found[key] == expected[key], key
    events = stream(http, program, arguments=arguments, seed=11)
    assert events[-1].data["value"] == expected["value"]


def uploadable(file: str) -> str:
    """An example whose host code is asked for, and whose file is written into it."""
    source = (EXAMPLES / f"{file}.sgl").read_text()
    source = re.sub(r' from "tools\.[\w:.]+"', "", source)
    source = source.replace(
        "from tools.index import retrieve",
        "type Doc = {title: str, body: str}\n"
        "@readonly\ntool retrieve(question: str, k: int) -> list[Doc]",
    ).replace("retrieve(question, k=k)", "retrieve(question, k)")
    shots = json.dumps((EXAMPLES / "gsm8k_shots.txt").read_text(), ensure_ascii=False)
    return source.replace('load("gsm8k_shots.txt")', shots)


def hosted(name: str) -> Callable[..., Any]:
    """A function of the examples' own folder."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(HostModules([EXAMPLES]).load(module), function)
    return found


def answered(tool: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """What a client tells of a call."""
    try:
        return {"result": tool(**arguments)}
    except OSError as error:
        return {"error": str(error)}


@pytest.mark.parametrize(
    ("file", "arguments", "functions"),
    [
        (
            "agent",
            {"task": "Fix the failing test.", "max_steps": 3},
            {"read_file": "tools.files:read_file", "run_tests": "tools.files:run_tests"},
        ),
        (
            "react",
            {"question": "What is the capital of Peru?"},
            {"wiki": "tools.wiki:search"},
        ),
        (
            "rag",
            {"question": "What is the capital of Kenya?"},
            {"retrieve": "tools.index:retrieve"},
        ),
        ("solve", {"question": TOM, "samples": 3}, {}),
    ],
)
def test_examples_with_tools_come_to_the_same(
    http: httpx2.Client,
    host: LocalHost,
    file: str,
    arguments: dict[str, Any],
    functions: dict[str, str],
) -> None:
    source, tools = uploadable(file), {name: hosted(at) for name, at in functions.items()}
    executor = Executor(host.scheduler, host.encoder, tools=ToolRegistry(tools))
    expected = result_data(executor.drive(executor.submit(compiled(source), arguments, seed=5)))
    executor.close()
    events = converse(
        http,
        upload(http, source, entry=file),
        lambda call: answered(tools[call.data["name"]], call.data["arguments"]),
        arguments=arguments,
        seed=5,
    )
    assert ("error" in events[-1].data) == ("error" in expected)
    for key in ("value", "captures", "text", "messages"):
        assert events[-1].data[key] == expected[key], key


def deltas(events: list[Event], name: str) -> str:
    return "".join(e.data["text"] for e in events if e.name == "delta" and e.data["name"] == name)


def test_events_tell_what_the_reply_says(http: httpx2.Client) -> None:
    program = upload(http, SAY)
    reply = run(http, program, arguments={"what": "cats"}, seed=3)
    events = stream(http, program, arguments={"what": "cats"}, seed=3)
    assert [event.number for event in events] == [*range(1, len(events) + 1)]
    assert events[0].name == "begin"
    assert events[0].data["seed"] == 3
    values = [event.data for event in events if event.name == "value"]
    assert [(value["name"], value["value"]) for value in values] == [
        ("said", reply["captures"]["said"])
    ]
    assert deltas(events, "said") == reply["captures"]["said"]
    assert events[-1].name == "done"
    for key in ("status", "value", "captures", "text", "messages"):
        assert events[-1].data[key] == reply[key]


def test_branches_of_a_fork_are_told_apart(http: httpx2.Client) -> None:
    source = """
prompt f():
    "Names:"
    fork n in ["a", "b"] as side:
        " {n}{x = gen(max_tokens=2)}"
    xs = side.x
"""
    events = stream(http, upload(http, source), seed=0)
    branches = [event.data for event in events if event.name == "branch"]
    assert len({branch["path"] for branch in branches}) == 2
    assert events[-1].data["captures"]["xs"] == [
        event.data["value"]
        for event in sorted((e for e in events if e.name == "value"), key=lambda e: e.data["path"])
    ]


def test_a_seed_that_is_told_gives_the_same_again(http: httpx2.Client) -> None:
    program = upload(http, SAY)
    first = run(http, program, arguments={"what": "dogs"})
    again = run(http, program, arguments={"what": "dogs"}, seed=first["seed"])
    assert again["value"] == first["value"]
    assert run_source(http, "config:\n    seed = 9\n" + SAY, arguments={"what": "a"})["seed"] == 9


@pytest.mark.parametrize(
    ("arguments", "param", "words"),
    [
        ({}, "arguments.a", "`a` (int) is missing"),
        ({"a": "1"}, "arguments.a", "`a` must be int: not a text"),
        ({"a": 1, "c": 2}, "arguments.c", "no parameter `c`"),
        ({"a": 1, "b": None}, "arguments.b", "`b` must be int"),
    ],
)
def test_wrong_arguments_name_the_parameter(
    http: httpx2.Client, arguments: dict[str, Any], param: str, words: str
) -> None:
    program = upload(http, ADD)
    for is_stream in (False, True):
        body = {"arguments": arguments, "stream": is_stream}
        reply = http.post(f"/v1/programs/{program}/run", json=body)
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == param
        assert words in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"arguments": {}, "batch": [{}]},
        {"batch": []},
        {"batch": [{"a": 1}], "trace": True},
        {"seed": -1},
        {"timeout_s": 0},
        {"prompt": "sub"},
        {"foo": 1},
        {"batch": [{"a": 1}] * 10_001},
    ],
)
def test_a_body_that_is_none_is_a_bad_request(http: httpx2.Client, body: dict[str, Any]) -> None:
    assert http.post(f"/v1/programs/{upload(http, ADD)}/run", json=body).status_code == 400


def test_arguments_of_large_types_are_checked_too(http: httpx2.Client) -> None:
    source = "prompt f(s: str(max=400), w: word) -> int:\n    return len(s)\n"
    program = upload(http, source)
    rows = [{"s": "a" * n, "w": "b"} for n in (400, 401)] + [{"s": "a", "w": "b c"}]
    results = run(http, program, batch=rows)["results"]
    assert results[0]["value"] == 400
    assert [("error" in result) for result in results] == [False, True, True]
    for row, param in ((rows[1], "arguments.s"), (rows[2], "arguments.w")):
        reply = http.post(f"/v1/programs/{program}/run", json={"arguments": row})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_a_wrong_row_fails_alone_and_rows_keep_their_order(http: httpx2.Client) -> None:
    rows: list[dict[str, Any]] = [{"a": i} for i in range(200)]
    rows[7], rows[100] = {"a": "seven"}, {"b": 1}
    program = upload(http, ADD)
    reply = run(http, program, batch=rows)
    assert reply["status"] == "completed"
    values = [result.get("value") for result in reply["results"]]
    assert [v for i, v in enumerate(values) if i not in (7, 100)] == [
        i + 1 for i in range(200) if i not in (7, 100)
    ]
    assert "`a` must be int" in reply["results"][7]["error"]["message"]
    assert "batch[100]" in reply["results"][100]["error"]["message"]
    events = stream(http, program, batch=rows)
    told = {event.data["row"]: event.data for event in events if event.name == "row"}
    assert sorted(told) == [*range(200)]
    assert told[5]["value"] == 6
    assert events[-1].data == {"status": "completed", "rows": 200, "failed": 2}


def test_a_row_draws_by_its_number(http: httpx2.Client) -> None:
    program = upload(http, SAY)
    rows = [{"what": "birds"}] * 4
    one = run(http, program, arguments=rows[0], seed=5)
    many = run(http, program, batch=rows, seed=5)
    said = [result["captures"]["said"] for result in many["results"]]
    assert said[0] == one["captures"]["said"]
    assert len(set(said)) > 1
    fewer = run(http, program, batch=rows[:2], seed=5)
    assert [result["captures"]["said"] for result in fewer["results"]] == said[:2]


def test_a_program_that_fails_keeps_what_was_finished(http: httpx2.Client) -> None:
    source = 'prompt f():\n    "a{x = gen(max_tokens=2)}"\n    check len(x) > 99, "too short"\n'
    reply = run_source(http, source, seed=1)
    assert (reply["status"], reply["error"]["code"]) == ("failed", "check")
    assert reply["error"]["loc"] == "program:3:5"
    assert reply["captures"]["x"]
    events = stream(http, upload(http, source), seed=1)
    assert [event.name for event in events[-2:]] == ["error", "done"]
    assert events[-1].data["captures"] == reply["captures"]


def test_a_run_can_be_looked_at_when_it_is_over(http: httpx2.Client) -> None:
    reply = run_source(http, ADD, arguments={"a": 1})
    assert http.get(f"/v1/runs/{reply['id']}").json() == reply
    assert http.delete(f"/v1/runs/{reply['id']}").json()["status"] == "completed"
    assert http.get("/v1/runs/run_" + "0" * 32).status_code == 404


def test_a_traced_run_is_drawn(http: httpx2.Client) -> None:
    program = upload(http, SAY)
    plain = run(http, program, arguments={"what": "fish"}, seed=2)
    assert http.get(f"/v1/runs/{plain['id']}/trace").status_code == 409
    traced = run(http, program, arguments={"what": "fish"}, seed=2, trace=True)
    assert traced["captures"] == plain["captures"]
    trace = http.get(f"/v1/runs/{traced['id']}/trace").json()
    names = {event["name"] for event in trace["traceEvents"]}
    assert {"run 0", "gen said", "prefill", "decode"} <= names
    assert trace["otherData"]["seed"] == 2
    page = http.get(f"/v1/programs/{program}/viz", params={"run": traced["id"]})
    assert page.status_code == 200, page.text
    assert re.search(r'"run":\{"about":"prompt say', page.text)
    other = upload(http, ADD)
    wrong = http.get(f"/v1/programs/{other}/viz", params={"run": traced["id"]})
    assert wrong.status_code == 400
    assert http.get(f"/v1/programs/{program}/viz", params={"run": plain["id"]}).status_code == 409


def test_numbers_that_json_does_not_have_are_texts(http: httpx2.Client) -> None:
    source = "prompt f(w: str) -> list[number]:\n    n = float(w)\n    return [n, -n, n - n]\n"
    program = upload(http, source)
    found = run(http, program, arguments={"w": "inf"})
    assert found["value"] == ["inf", "-inf", "nan"]
    assert stream(http, program, arguments={"w": "inf"})[-1].data["value"] == found["value"]
