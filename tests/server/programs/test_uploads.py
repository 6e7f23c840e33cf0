"""Programs that are uploaded: their ids, what is said of them, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from generators.uploads import run, run_source, upload

EXAMPLES = Path(__file__).parents[3] / "examples"
CARD = (EXAMPLES / "judge.sgl").read_text()
TWO = """
prompt one(n: int) -> int:
    return n + 1
prompt two(text: str = "a", tags: list[str] = []) -> str:
    return text
"""


def refused(http: httpx2.Client, **body: Any) -> dict[str, Any]:
    reply = http.post("/v1/programs", json=body)
    assert reply.status_code == 422, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_a_program_is_described(http: httpx2.Client) -> None:
    reply = http.post("/v1/programs", json={"source": TWO}).json()
    assert reply["entry"] is None
    one, two = reply["prompts"]
    assert one["parameters"] == {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    assert one["result"] == {"type": "integer"}
    assert two["parameters"]["properties"] == {
        "text": {"type": "string", "default": "a"},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
    }
    assert two["parameters"]["required"] == []
    assert http.get(f"/v1/programs/{reply['id']}").json() == reply


def test_the_id_says_what_was_compiled_and_how(http: httpx2.Client) -> None:
    ids = [upload(http, TWO) for _ in range(2)]
    assert ids[0] == ids[1]
    others = [
        upload(http, TWO + "\n"),
        upload(http, TWO, entry="one"),
        upload(http, TWO, entry="one", known={"n": 1}),
        upload(http, TWO, level="-O0"),
    ]
    assert len({*ids, *others}) == 5
    assert upload(http, TWO, level=2) == ids[0]


def test_mistakes_are_told_as_diagnostics(http: httpx2.Client) -> None:
    reply = refused(http, source='prompt f(topic: str):\n    "{topik}"\n    x = 1 + "a"\n')
    assert reply["error"]["param"] == "source"
    first, second = (d for d in reply["diagnostics"] if d["severity"] == "error")
    assert first["code"] == "SGL0101"
    assert first["span"] == {
        "file": "program",
        "line": 2,
        "column": 7,
        "end_line": 2,
        "end_column": 12,
        "start": 28,
        "end": 33,
    }
    assert any("did you mean `topic`?" in line for line in first["help"])
    assert "^^^^^" in first["rendered"]
    assert second["span"]["line"] == 3


def test_warnings_come_with_the_program(http: httpx2.Client) -> None:
    source = "import std.text\nprompt f() -> int:\n    return 1\n"
    (warning,) = http.post("/v1/programs", json={"source": source}).json()["warnings"]
    assert (warning["severity"], warning["span"]["line"]) == ("warning", 1)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ('tool cwd() -> str from "os:getcwd"\nprompt f() -> str:\n    return cwd()\n', "SGL0703"),
        ('let x = load("/etc/passwd")\nprompt f() -> str:\n    return x\n', "SGL0703"),
        ("from tools.index import retrieve\nprompt f():\n    x = retrieve(1)\n", "SGL0107"),
        ("import os\nprompt f() -> int:\n    return 1\n", "SGL0107"),
        ("prompt f(photo: image):\n    user: photo\n    assistant: gen()\n", "SGL0207"),
    ],
)
def test_host_code_and_files_stay_the_hosts(http: httpx2.Client, source: str, code: str) -> None:
    reply = refused(http, source=source)
    codes = {d["code"] for d in reply["diagnostics"] if d["severity"] == "error"}
    assert codes == {code}
    assert "root:" not in json.dumps(reply)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_graph_is_the_same_program(http: httpx2.Client, form: str) -> None:
    essay = {"essay": "Music brings people together."}
    program = upload(http, CARD)
    graph = http.get(f"/v1/programs/{program}/ir", params={"form": form, "stage": "written"})
    ir = graph.text if form == "text" else graph.json()
    reply = http.post("/v1/programs", json={"ir": ir, "entry": "judge"})
    assert reply.status_code == 200, reply.text
    values = [run(http, p, arguments=essay, seed=1)["value"] for p in (program, reply.json()["id"])]
    assert values[0] == values[1]


def test_a_graph_that_is_none_is_refused_with_its_place(http: httpx2.Client) -> None:
    reply = refused(http, ir="prompt @f() {\n  %x = const 1\n  %y = cons t\n}\n")
    (mistake,) = reply["diagnostics"]
    assert mistake["span"]["line"] == 3
    assert reply["error"]["param"] == "ir"
    for wrong in ({}, {"functions": 3}, {"a": [[]]}, ""):
        assert refused(http, ir=wrong)["error"]["param"] == "ir"


def test_a_graph_binds_no_host_code(http: httpx2.Client) -> None:
    ir = """
tool @cwd() -> str <from = "os:getcwd", effect = "readonly">
prompt @f() {
  %s0 = stream
  %v = tool @cwd
  return %s0, v = %v
}
"""
    assert "may not bind host code" in refused(http, ir=ir)["error"]["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"source": TWO, "entry": "three"}, "entry"),
        ({"source": TWO, "known": {"n": 1}}, "known"),
        ({"source": TWO, "entry": "one", "known": {"m": 1}}, "known.m"),
        ({"source": TWO, "entry": "one", "known": {"n": "a"}}, "known.n"),
        ({"source": ""}, "source"),
        ({"source": 'config:\n    model = "other"\nprompt f():\n    "a"\n'}, "source"),
    ],
)
def test_what_cannot_be_compiled_as_asked_names_the_field(
    http: httpx2.Client, body: dict[str, Any], param: str
) -> None:
    assert refused(http, **body)["error"]["param"] == param


@pytest.mark.parametrize(
    "body", [{}, {"source": TWO, "ir": "a"}, {"source": TWO, "level": 3}, {"source": TWO, "x": 1}]
)
def test_a_body_that_is_none_is_a_bad_request(http: httpx2.Client, body: dict[str, Any]) -> None:
    assert http.post("/v1/programs", json=body).status_code == 400


def test_a_program_compiled_for_an_argument_takes_no_other(http: httpx2.Client) -> None:
    program = upload(http, TWO, entry="one", known={"n": 4})
    assert run(http, program)["value"] == 5
    assert run(http, program, arguments={"n": 4})["value"] == 5
    reply = http.post(f"/v1/programs/{program}/run", json={"arguments": {"n": 5}})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "arguments.n")


def test_forms_of_a_program(http: httpx2.Client) -> None:
    program = upload(http, CARD)
    assert "prompt @judge" in http.get(f"/v1/programs/{program}/ir").text
    plan = http.get(f"/v1/programs/{program}/plan").json()
    assert plan["entry"] == "judge"
    page = http.get(f"/v1/programs/{program}/viz")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "src=" not in page.text.split("<body")[0]
    assert "strict but fair judge" in page.text


def test_a_deleted_program_is_gone(http: httpx2.Client) -> None:
    program = upload(http, 'prompt f() -> str:\n    return "to be deleted"\n')
    listed = [each["id"] for each in http.get("/v1/programs").json()["data"]]
    assert program in listed
    assert http.delete(f"/v1/programs/{program}").json()["deleted"]
    for reply in (
        http.get(f"/v1/programs/{program}"),
        http.delete(f"/v1/programs/{program}"),
        http.post(f"/v1/programs/{program}/run", json={}),
        http.get("/v1/programs/..%2f..%2fstate.sqlite"),
        http.get("/v1/programs/prog_" + "0" * 64),
    ):
        assert reply.status_code == 404


def test_modules_of_the_standard_library_can_be_imported(http: httpx2.Client) -> None:
    source = "import std.text\nprompt f(x: str) -> str:\n    return text.clip(x, 3)\n"
    assert run_source(http, source, arguments={"x": "abcdef"})["value"].startswith("abc")
