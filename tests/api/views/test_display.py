"""What a notebook shows of functions, states and batches: what is there, without waiting."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from generators.backends import hash_backend

import sglc
from sglc.backends.backend import Backend


class Checked(HTMLParser):
    """Collects text, and fails where tags are not closed in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tinted: list[str] = []
        self.counts: dict[str, int] = {}
        self._tints = False
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self._tints = tag == "span"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._tints = False

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._tints:
            self.tinted.append(data)


@sglc.function
def chat(s: Any, question: str) -> None:
    s += sglc.user(question) + sglc.assistant_begin()
    s += sglc.gen("answer") + " " + sglc.select("sure", ["yes", "no"]) + sglc.assistant_end()


def test_a_state_shows_what_the_model_wrote_on_a_ground_of_its_own() -> None:
    with sglc.mock(answer="<b>bold</b>", sure="yes") as backend:
        state = chat.run("a < b & c?", backend=backend).sync()
        shown = Checked(state._repr_html_())
    assert shown.tinted == ["<b>bold</b>", "yes"]
    assert "a < b & c?\n" in shown.texts
    assert shown.texts[0] == "user"
    assert shown.counts["tr"] == 2


def test_a_state_that_failed_says_so_behind_what_there_is() -> None:
    with sglc.mock(answer="there") as backend:
        state = chat.run("why?", backend=backend).sync()
        shown = Checked(state._repr_html_())
    assert shown.tinted == ["there"]
    assert any("no text for `sure`" in text for text in shown.texts)


def test_a_state_that_runs_is_shown_without_waiting() -> None:
    @sglc.function
    def long(s: Any) -> None:
        s += "begin" + sglc.gen("a", max_tokens=3000, ignore_eos=True)

    with hash_backend() as backend:
        state = long.run(backend=backend)
        page = state._repr_html_()
        assert not state.stream_done
        state.cancel()
    assert Checked(page).texts[-1] == "…"


def test_a_batch_is_a_table_with_its_errors(hashed: Backend) -> None:
    @sglc.function
    def odd(s: Any, n: int) -> None:
        s += f"{n}" + sglc.gen("a", max_tokens=2)
        s.set_var("n", n)
        if n % 2:
            raise ValueError(f"{n} is odd <!>")

    states = odd.run_batch([(n,) for n in range(4)], backend=hashed)
    assert isinstance(states, list)
    shown = Checked(states._repr_html_())  # type: ignore[attr-defined]
    assert shown.counts["tr"] == 5
    assert "4 rows, 4 done" in shown.texts
    assert [text for text in shown.texts if "odd" in text] == ["1 is odd <!>", "3 is odd <!>"]
    many = odd.run_batch([(2 * n,) for n in range(210)], backend=hashed)
    assert "210 rows, 210 done, the first 200 of them shown" in many._repr_html_()  # type: ignore[attr-defined]


def test_a_function_shows_its_graph_or_why_it_has_none_and_its_runs(hashed: Backend) -> None:
    @sglc.function
    def graph(s: Any, question: str) -> None:
        s += "<x>" + question + sglc.gen("a", max_tokens=2)

    @sglc.function
    def no_graph(s: Any) -> None:
        s += "<x>"
        states[0] = s

    states: dict[int, Any] = {}
    no_graph.run(backend=hashed)
    assert "<iframe" in graph._repr_html_()
    page = no_graph._repr_html_()
    assert "no_graph has no graph" in page
    assert "1x put &#x27;&lt;x&gt;&#x27;" in page
    assert Checked(page).counts == {"div": 1, "pre": 1}


def test_a_prompt_of_a_file_and_what_came_of_it_show_themselves(tmp_path: Path) -> None:
    file = tmp_path / "who.sgl"
    file.write_text(
        'prompt who(name: str):\n    user: "<Who> is {name}?"\n    assistant: "{a = gen(line)}"\n'
    )
    module = sglc.load(file)
    assert "<iframe" in module.who._repr_html_()
    with sglc.mock(a="a <poet>") as backend:
        shown = Checked(module.who.run("Ada", backend=backend)._repr_html_())
    assert shown.texts == ["user", "<Who> is Ada?", "assistant", "a <poet>", "a", "a <poet>"]
    with sglc.mock() as backend:
        failed = Checked(module.who.run("Ada", backend=backend)._repr_html_())
    assert any("`a`" in text for text in failed.texts)


def test_a_graph_is_short_where_nobody_prints_it() -> None:
    assert repr(chat.trace()) == "<Trace chat: print it, or save it as a page>"
    assert repr(chat.graph()) == "<FunctionGraph chat: print it, or save it as a page>"
