"""Scripts that import ``sglang`` find all of its names here, and an error that helps for others."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generators.sglang_scripts import has_sglang

import sglc
from sglc.compat.__main__ import main
from sglc.compat.importing import install, uninstall


@pytest.fixture
def sgl() -> Iterator[Any]:
    finder = install()
    yield importlib.import_module("sglang")
    uninstall(finder)


@pytest.mark.skipif(not has_sglang(), reason="pip install --no-deps sglang")
def test_every_public_name_is_there(sgl: Any) -> None:
    found = importlib.metadata.distribution("sglang").locate_file("sglang/__init__.py")
    source = Path(str(found)).read_text()
    names = re.findall(r'^    "(\w+)",$', source, re.MULTILINE)
    assert len(names) > 20
    for name in [*names, "global_config", "RuntimeEndpoint", "__version__"]:
        assert getattr(sgl, name) is not None


def test_modules_of_it_are_there(sgl: Any) -> None:
    template = importlib.import_module("sglang.lang.chat_template")
    assert template.get_chat_template("llama-3-instruct-llava").image_token == "<image>\n"
    regex = importlib.import_module("sglang.srt.constrained").build_regex_from_object
    assert re.fullmatch(regex('{"type": "integer"}'), "12")
    endpoint = importlib.import_module("sglang.lang.backend.runtime_endpoint")
    assert endpoint.RuntimeEndpoint is sgl.RuntimeEndpoint
    assert importlib.import_module("sglang.lang.interpreter").ProgramState is sglc.ProgramState


def test_what_is_not_there_says_what_is(sgl: Any) -> None:
    with pytest.raises(ImportError, match="did you mean 'select'"):
        exec("from sglang import selekt")
    with pytest.raises(ModuleNotFoundError, match=r"use python -m sglc.launch_server"):
        importlib.import_module("sglang.srt.models.llama")


def test_sglang_itself_comes_back() -> None:
    own = sys.modules.get("sglang")
    finder = install()
    importlib.import_module("sglang")
    uninstall(finder)
    assert sys.modules.get("sglang") is own


def test_positions_of_arguments_are_sglangs(sgl: Any) -> None:
    expression = sgl.gen("x", 8, 2, "\n", None, 0.5)
    assert expression.options == {
        "max_tokens": 8, "min_tokens": 2, "stop": ("\n",), "temperature": 0.5
    }  # fmt: skip
    with pytest.warns(UserWarning, match="only dtype is used"):
        sgl.gen("x", dtype=int, regex="a")
    assert len(sgl.user().items) == 2


def test_methods_of_choices_are_objects(sgl: Any) -> None:
    chosen = sgl.select("x", ["a"], choices_method=sgl.greedy_token_selection)
    assert chosen.method == "greedy"
    assert sgl.unconditional_likelihood_normalized.requires_unconditional_logprobs


def test_settings(sgl: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings = sgl.global_config
    with sglc.mock(x="!") as backend:
        settings.default_backend = backend
        settings.verbosity = 2
        try:

            @sgl.function
            def hello(s: Any) -> None:
                s += "Hi" + sgl.gen("x")

            hello.run()
            assert settings.default_backend is backend
        finally:
            settings.verbosity = 0
            settings.default_backend = None
    assert capsys.readouterr().out == "Hi!\n"
    with pytest.raises(AttributeError, match="no setting 'verbose'"):
        settings.verbose = 1
    with pytest.raises(ValueError, match="is always True"):
        settings.skip_special_tokens_in_output = False
    assert sgl.flush_cache() is False
    assert sgl.get_server_info() is None


def test_every_run_draws_anew_unless_seeded(
    sgl: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "draws.py"
    script.write_text(
        "import sys\n"
        "import sglang as sgl\n"
        "@sgl.function\n"
        "def story(s):\n"
        "    s += 'Once upon a time' + sgl.gen('x', max_tokens=12, temperature=1.5)\n"
        "print(len({story.run()['x'] for _ in range(4)}), sys.argv[1:])\n"
    )
    assert main(["--backend", "local", "--seed", "3", str(script), "--own", "x"]) == 0
    assert capsys.readouterr().out == "4 ['--own', 'x']\n"


def test_a_runtime_that_is_led_elsewhere_answers_too(
    sgl: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "runtime.py"
    script.write_text(
        "import json\n"
        "import sglang as sgl\n"
        "runtime = sgl.Runtime(model_path='far/away', tp_size=8)\n"
        "runtime.cache_prefix('The capital of')\n"
        "params = {'temperature': 0, 'max_new_tokens': 4}\n"
        "print(json.loads(runtime.generate('The capital of France is', params))['text'])\n"
        "print(len(json.loads(runtime.encode('x'))['embedding']) > 8)\n"
        "print(sgl.get_server_info()['model_path'], sgl.flush_cache())\n"
        "runtime.shutdown()\n"
    )
    assert main(["--backend", "local", str(script)]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(" Paris")
    assert rest[-2:] == ["True", "embedded True"]


def test_wrong_usage_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = ["--backend", "local", "--chat-template", "chatm", __file__]
    for words in (["missing.py"], ["--model", "x", __file__], other):
        with pytest.raises(SystemExit, match="2"):
            main(words)
    said = capsys.readouterr().err
    assert "missing.py: no such file" in said
    assert "--backend, which is not given" in said
    assert "--chat-template: there is no chat template 'chatm'" in said


def test_a_backend_that_cannot_be_had_is_no_failure_of_the_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise AssertionError('it was run')\n")
    with pytest.raises(SystemExit, match="3"):
        main(["--backend", "local", "--model", str(tmp_path / "none"), str(script)])
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"python -m sglc.compat: --backend local: {tmp_path / 'none'}: no such")


def test_a_trace_may_be_given_the_backend_that_it_does_not_ask() -> None:
    from sglc.compat import sgl

    @sgl.function
    def program(s: Any, x: str) -> None:
        s += "before " + x + sgl.gen("a")

    assert program.trace(backend=sglc.mock()).prefix == "before "
