"""Programs in Python, run as they are written: what is appended, read, forked and joined."""

from __future__ import annotations

from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend


def test_a_program_says_text_and_names_what_the_model_writes() -> None:
    @sglc.function
    def qa(s: Any, question: str) -> None:
        s += "Q: " + question + "\nA:" + sglc.gen("answer", stop="\n")

    with sglc.mock(answer=" Paris.") as backend:
        state = qa.run(question="Capital of France?", backend=backend)
        assert state["answer"] == " Paris."
        assert state.text() == "Q: Capital of France?\nA: Paris."


def test_reading_decides_a_branch() -> None:
    @sglc.function
    def tool_use(s: Any, question: str) -> None:
        s += question + " I need a " + sglc.gen("tool", choices=["calculator", "search"]) + ". "
        if s["tool"] == "calculator":
            s += "The expression is" + sglc.gen("expression")
        else:
            s += "The word is" + sglc.gen("word")

    with sglc.mock(tool="search", expression=" 1 + 1", word=" cats") as backend:
        state = tool_use.run("Cats?", backend=backend)
        assert state.text() == "Cats? I need a search. The word is cats"
        assert "expression" not in state


def test_forks_share_the_text_of_the_parent_and_are_submitted_as_one_group(hashed: Backend) -> None:
    @sglc.function
    def tips(s: Any) -> None:
        s += "Two tips."
        forks = s.fork(4)
        for i, f in enumerate(forks):
            f += f" Tip {i}:" + sglc.gen("tip", max_tokens=4)
        s += "".join(f["tip"] for f in forks)
        texts.extend(f.text() for f in forks)

    texts: list[str] = []
    before = hashed.host.executor._backend.stats()["groups"]
    state = tips.run(backend=hashed)
    begins = [f"Two tips. Tip {i}:" for i in range(4)]
    assert all(map(str.startswith, texts, begins))
    assert state.text() == "Two tips." + "".join(map(str.removeprefix, texts, begins))
    assert hashed.host.executor._backend.stats()["groups"] - before == 1


def test_identical_forks_draw_different_samples(hashed: Backend) -> None:
    @sglc.function
    def sampled(s: Any) -> None:
        s += "x"
        for _ in range(2):
            forks = s.fork(3)
            forks += sglc.gen("a", max_tokens=8, ignore_eos=True)
            texts.extend(f["a"] for f in forks)

    texts: list[str] = []
    sampled.run(backend=hashed)
    assert len(set(texts)) == 6


def test_roles_make_messages() -> None:
    @sglc.function
    def chat(s: Any, question: str) -> None:
        s += sglc.system("Be brief.")
        with s.user():
            s += question
        s += sglc.assistant(sglc.gen("answer"))
        s.user("And then?")
        s += sglc.assistant_begin() + sglc.gen("more") + sglc.assistant_end()

    with sglc.mock(answer="Yes.", more="No.") as backend:
        assert chat.run("Why?", backend=backend).messages() == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "And then?"},
            {"role": "assistant", "content": "No."},
        ]


def test_a_value_that_cannot_be_says_why_with_the_line() -> None:
    @sglc.function
    def lost(s: Any) -> None:
        s += "x" + sglc.gen("there") + sglc.gen("lost")
        s += "more" + sglc.gen("after")

    with sglc.mock(there="1", after="2") as backend:
        state = lost.run(backend=backend)
        assert state["there"] == "1"
        with pytest.raises(sglc.RunFailed, match=r"test_state.py:\d+:\d+: .*no text for `lost`"):
            state["after"]
        assert state.text(partial=True) == "x1"
        assert isinstance(state.error(), sglc.RunFailed)


def test_an_exception_of_the_program_ends_its_run(hashed: Backend) -> None:
    @sglc.function
    def broken(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=500)
        raise ValueError("no way")

    with pytest.raises(ValueError, match="no way"):
        broken.run(backend=hashed)
    while hashed.host.executor._runs:
        pass


def test_join_gathers_what_is_new_or_appends_the_texts() -> None:
    @sglc.function
    def joined(s: Any) -> None:
        s += "a"
        s.set_var("old", 1)
        forks = s.fork(2)
        for i, f in enumerate(forks):
            f.set_var("old", 2)
            f += f"-{i}" + sglc.gen("new")
        forks.join()
        more = s.fork(2)
        more += ["x", "y"]
        more += lambda i: str(i)
        more.join("concate_and_append")
        with s.copy() as c:
            c += sglc.gen("copied")
        with s.var_scope("span"):
            s += "z"

    with sglc.mock(new=["p", "q"], copied="r") as backend:
        state = joined.run(backend=backend)
        assert (state["new"], state["old"], state["copied"]) == (["p", "q"], 1, ["r"])
        assert state.text() == "ax0y1z"
        assert state["span"] == "z"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"questoin": "x"}, "did you mean `question`"),
        ({"question": "x", "max_new_token": 3}, "did you mean `max_new_tokens`"),
        ({}, "missing a required argument: 'question'"),
    ],
)
def test_wrong_arguments_name_the_way_out(wrong: dict[str, Any], message: str) -> None:
    @sglc.function
    def qa(s: Any, question: str) -> None:
        s += question

    with sglc.mock() as backend, pytest.raises(TypeError, match=message):
        qa.run(backend=backend, **wrong)


def test_values_that_are_no_prompt_are_refused() -> None:
    @sglc.function
    def number(s: Any, value: object) -> None:
        s += value

    with sglc.mock() as backend:
        for value in (5, None, ["a"]):
            with pytest.raises(TypeError, match="a prompt cannot be appended with"):
                number.run(value, backend=backend)


def test_typed_values_keep_their_type(hashed: Backend) -> None:
    from sglc.constraints.types import Int

    @sglc.function
    def typed(s: Any) -> None:
        s += "n=" + sglc.gen("n", type=Int(1, 10)) + " m=" + sglc.gen("m", regex="[0-9]{3}")

    state = typed.run(backend=hashed)
    assert state["n"] in range(1, 11)
    assert len(state["m"]) == 3
    assert state["m"].isdigit()
    assert state.get_meta_info("m")["completion_tokens"] >= 3


def test_names_of_the_package_are_not_those_of_its_modules() -> None:
    import pkgutil

    modules = {module.name for module in pkgutil.iter_modules(sglc.__path__)}
    assert not modules.intersection(sglc._HOMES)
