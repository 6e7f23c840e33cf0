"""The requests of SGLang's own frontend and ours: the same prompts, character for character."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer
from generators.sglang_frontend import sglang_frontend

from sglc.runtime.remote.capabilities import SGLANG_04
from sglc.runtime.remote.open import open_remote

pytestmark = pytest.mark.timeout(60)


class Both:
    """A server that hands everything on to ours, asked by both frontends."""

    def __init__(self, sgl: Any, real: RunningServer, between: ScriptedServer) -> None:
        self._between = between

        def hand_on(path: str, body: Any) -> Reply:
            url = f"{real.url}{path}"
            found = httpx2.get(url) if body is None else httpx2.post(url, json=body, timeout=60)
            return Reply(found.status_code, found.json())

        between.answer = hand_on
        self._sgl = sgl
        self._endpoint = sgl.RuntimeEndpoint(between.url, chat_template_name="chatml")
        remote = open_remote("native", url=between.url, capabilities=SGLANG_04)
        self.runner = Runner(remote)
        self.runner.deltas = False

    def asked(self, theirs: Callable[..., Any], ours: str, **arguments: Any) -> tuple[Any, Any]:
        """Return the bodies of both, and compare what was captured."""
        self._between.requests.clear()
        state = self._sgl.function(theirs).run(**arguments, backend=self._endpoint)
        assert state.error() is None
        first = self._between.bodies("/generate")
        self._between.requests.clear()
        result = self.runner.run(ours, **arguments)
        assert result.error is None, result.error
        for name, value in result.captures.items():
            assert value == state[name]
        return first, self._between.bodies("/generate")


@pytest.fixture
def both(server: RunningServer, scripted: ScriptedServer) -> Iterator[Both]:
    with sglang_frontend() as sgl:
        made = Both(sgl, server, scripted)
        yield made
        made.runner.close()


def written(bodies: list[Any]) -> list[Any]:
    """Return the requests that write: those of a cache that is warmed ahead are left out."""
    return [body for body in bodies if body["sampling_params"]["max_new_tokens"]]


def compare(theirs: list[Any], ours: list[Any]) -> None:
    """Check that the prompts are the same, and whatever we say of the sampling."""
    theirs, ours = written(theirs), written(ours)
    assert sorted(body["text"] for body in ours) == sorted(body["text"] for body in theirs)
    by_text = {body["text"]: body["sampling_params"] for body in theirs}
    for body in ours:
        params = by_text[body["text"]]
        assert body["sampling_params"] == {k: params[k] for k in body["sampling_params"]}


def test_gen(both: Both) -> None:
    def capital(s: Any, country: str) -> None:
        from sglang import gen

        s += f"The capital of {country} is" + gen("answer", max_tokens=6, temperature=0, stop=".")
        s += ".\nIts river is" + gen("river", max_tokens=4, temperature=0, top_p=0.9)

    ours = (
        "prompt capital(country: str):\n"
        '    "The capital of {country} is{answer = gen(max_tokens=6, stop=".")}"\n'
        '    ".\\nIts river is{river = gen(max_tokens=4, top_p=0.9)}"\n'
    )
    compare(*both.asked(capital, ours, country="France"))


def test_roles(both: Both) -> None:
    def chat(s: Any, question: str) -> None:
        from sglang import assistant, gen, system, user

        s += system("You are brief.")
        s += user(question)
        s += assistant("Well, " + gen("answer", max_tokens=12, temperature=0, stop="!"))
        s += user("And of Italy?")
        s += assistant(gen("second", max_tokens=12, temperature=0))

    ours = (
        "prompt chat(question: str):\n"
        '    system: "You are brief."\n'
        "    user: question\n"
        '    assistant: "Well, {answer = gen(max_tokens=12, stop="!")}"\n'
        '    user: "And of Italy?"\n'
        "    assistant: second = gen(max_tokens=12)\n"
    )
    compare(*both.asked(chat, ours, question="What is the capital of France? {é} <|x|>"))


def test_fork(both: Both) -> None:
    def tips(s: Any) -> None:
        from sglang import gen

        s += "Two tips for a long life.\n"
        forks = s.fork(2)
        for number, fork in enumerate(forks):
            fork += f"Tip {number + 1}:"
            fork += gen("tip", max_tokens=6, temperature=0, stop="\n")
        s += "First:" + forks[0]["tip"] + "\nSecond:" + forks[1]["tip"] + "\n"
        s += "So" + gen("end", max_tokens=4, temperature=0)

    ours = (
        "prompt tips():\n"
        '    "Two tips for a long life.\\n"\n'
        "    fork i in 1..2 as tips:\n"
        '        "Tip {i}:{tip = gen(max_tokens=6, stop="\\n")}"\n'
        '    "First:{tips[0].tip}\\nSecond:{tips[1].tip}\\n"\n'
        '    "So{end = gen(max_tokens=4)}"\n'
    )
    compare(*both.asked(tips, ours))


METHODS = {
    "token_avg": "token_length_normalized",
    "greedy": "greedy_token_selection",
    "unconditional": "unconditional_likelihood_normalized",
}


@pytest.mark.parametrize("prompt", ["The capital of France is", "Say: ", "Q:\n"])
@pytest.mark.parametrize("method", METHODS)
def test_select(both: Both, method: str, prompt: str) -> None:
    def pick(s: Any, start: str) -> None:
        import sglang

        s += start
        s += sglang.select(
            "city",
            choices=[" Paris", " London", "Paris, of course", "Rome"],
            choices_method=getattr(sglang, METHODS[method]),
        )

    ours = (
        "prompt pick(start: str):\n"
        '    "{start}"\n'
        f'    city = select(" Paris", " London", "Paris, of course", "Rome", by="{method}")\n'
    )
    theirs, mine = both.asked(pick, ours, start=prompt)
    assert len(mine) == (3 if method == "unconditional" else 2)
    assert mine[:2] == theirs[:2]
    if method == "unconditional":
        assert mine[2]["input_ids"] == theirs[2]["input_ids"]


def test_a_regex_and_a_schema_are_sent_as_they_are(both: Both) -> None:
    def typed(s: Any) -> None:
        from sglang import gen

        s += "An address: " + gen(
            "ip", regex=r"\d{1,3}(\.\d{1,3}){3}", max_tokens=20, temperature=0
        )

    ours = (
        'prompt typed():\n    "An address: {ip = gen(/\\d{1,3}(\\.\\d{1,3}){3}/, max_tokens=20)}"\n'
    )
    theirs, mine = both.asked(typed, ours)
    assert (
        written(mine)[0]["sampling_params"]["regex"]
        == (written(theirs)[0]["sampling_params"]["regex"])
    )
    compare(theirs, mine)
