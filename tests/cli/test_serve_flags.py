"""SGLang's launch flags: what they come to, how they may be shortened, what is refused."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sglc.cli import serve
from sglc.cli.abbreviations import sglang_flags, spelled_out
from sglc.cli.errors import UsageError
from sglc.cli.main import main
from sglc.cli.unserved_flags import GRANTED, REFUSED, Refused, check_unserved
from sglc.server.config import ServerConfig


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    args = parser.parse_args(spelled_out(words))
    check_unserved(args)
    return args


def config(*words: str) -> ServerConfig:
    return serve.server_config(parsed(*words))


def test_without_flags_the_embedded_model_is_served_as_sglang_serves_one() -> None:
    made = config()
    assert (made.model, made.host, made.port) == ("embedded", "127.0.0.1", 30000)
    assert made.stream_interval == 1
    assert made.restart_timeout_s == 300
    assert made.seed is not None


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--model-path m", "model", "m"),
        ("--model m", "model", "m"),
        ("--tokenizer-path t", "tokenizer", "t"),
        ("--chat-template t.jinja", "chat_template", "t.jinja"),
        ("--served-model-name n", "served_name", "n"),
        ("--load-format dummy", "load_format", "dummy"),
        ("--dtype half", "dtype", "float16"),
        ("--dtype float", "dtype", "float32"),
        ("--dtype bfloat16", "dtype", "bfloat16"),
        ("--device cpu", "device", "cpu"),
        ("--base-gpu-id 2", "device", "cuda:2"),
        ("--base-gpu-id 0 --device cpu", "device", "cpu"),
        ("--context-length 77", "context_length", 77),
        ("--is-embedding", "is_embedding", True),
        ("--skip-tokenizer-init", "skip_tokenizer_init", True),
        ("--mem-fraction-static 0.7", "memory_fraction", 0.7),
        ("--max-total-tokens 99", "num_slots", 99),
        ("--random-seed 5", "seed", 5),
        ("--watchdog-timeout 9", "restart_timeout_s", 9.0),
        ("--host 0.0.0.0", "host", "0.0.0.0"),
        ("--port 1", "port", 1),
        ("--file-storage-pth f", "storage", Path("f")),
        ("--max-file-bytes 5", "max_file_bytes", 5),
        ("--batch-window 3", "batch_window", 3),
        ("--stream-interval 3", "stream_interval", 3),
        ("--enable-cache-report", "enable_cache_report", True),
        ("--disable-outlines-disk-cache", "disk_cache", False),
        ("--disable-disk-cache", "disk_cache", False),
    ],
)
def test_a_flag_sets_its_field(words: str, field: str, value: Any) -> None:
    assert getattr(config(*words.split()), field) == value
    if field != "device":
        assert getattr(config(), field) != value


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--max-running-requests 3", "max_running", 3),
        ("--max-num-reqs 3", "max_running", 3),
        ("--max-prefill-tokens 99", "max_prefill_tokens", 99),
        ("--chunked-prefill-size 64", "chunk_size", 64),
        ("--chunked-prefill-size -1 --max-prefill-tokens 99", "chunk_size", 99),
        ("--schedule-policy lpm", "schedule_policy", "lpm"),
        ("--schedule-heuristic dfs-weight", "schedule_policy", "dfs-weight"),
        ("--disable-radix-cache", "radix_cache", False),
        ("--disable-jump-forward", "jump_forward", False),
        ("--disable-regex-jump-forward", "jump_forward", False),
    ],
)
def test_a_flag_sets_a_limit_of_the_engine(words: str, field: str, value: Any) -> None:
    assert getattr(config(*words.split()).engine, field) == value


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("--tp 1", "--tp-size 1"),
        ("--dp 1", "--dp-size 1"),
        ("--mem-frac 0.5", "--mem-fraction-static 0.5"),
        ("--context-len 7", "--context-length 7"),
        ("--max-total-token 70", "--max-total-tokens 70"),
        ("--disable-radix", "--disable-radix-cache"),
        ("--max-total-token=70", "--max-total-tokens=70"),
        ("--api k", "--api-key k"),
        ("--max-r 4", "--max-running-requests 4"),
    ],
)
def test_the_short_forms_of_its_users(short: str, long: str) -> None:
    assert parsed(*short.split()) == parsed(*long.split())


def test_what_is_short_for_one_flag_of_sglang_is_short_for_it_here() -> None:
    flags = list(sglang_flags())
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    known = parser._option_string_actions
    count = 0
    for names in flags:
        for name in names:
            assert known[name].dest == known[names[0]].dest
            for end in range(3, len(name)):
                short = name[:end]
                others = [other for other in flags if any(n.startswith(short) for n in other)]
                if len(others) == 1:
                    count += 1
                    (word,) = spelled_out([short])
                    assert word in names
    assert count > 400
    assert spelled_out(["--max", "x", "--", "--unknown=1"]) == ["--max", "x", "--", "--unknown=1"]


def asking(flag: Refused) -> list[str]:
    """What asks for something else than the default."""
    if flag.takes is None:
        return [flag.names[0]]
    return [flag.names[0], "17" if flag.takes is not str else "other"]


@pytest.mark.parametrize("flag", REFUSED, ids=lambda flag: flag.names[0])
def test_what_is_not_served_is_refused_with_its_reason(flag: Refused) -> None:
    with pytest.raises(UsageError, match=flag.names[0]) as caught:
        parsed(*asking(flag))
    assert flag.why in str(caught.value)


@pytest.mark.parametrize("flag", REFUSED, ids=lambda flag: flag.names[0])
def test_its_default_asks_for_nothing(flag: Refused) -> None:
    for value in (flag.default, *flag.same):
        if flag.takes is not None and value is not None:
            for name in flag.names:
                parsed(name, str(value))


def test_what_is_so_anyway_may_be_asked_for() -> None:
    parsed(*GRANTED)


@pytest.mark.parametrize(
    "words",
    [
        "--port x",
        "--port -1",
        "--mem-fraction-static 1.5",
        "--max-running-requests 0",
        "--watchdog-timeout nan",
        "--stream-interval 0",
        "--device xpu",
        "--load-format gguf",
        "--dtype int8",
        "--tp two",
    ],
)
def test_a_bad_value_ends_at_once(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *words.split()]) == 2
    assert "error: argument --" in capsys.readouterr().err


def test_a_gpu_and_no_gpu_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="--base-gpu-id 1"):
        config("--base-gpu-id", "1", "--device", "cpu")


def test_launch_server_is_the_same_command() -> None:
    command = [sys.executable, "-m", "sglc.launch_server", "--model-path", "embedded", "--tp", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == (
        "sglc: --tensor-parallel-size 2 is not served here: the model runs on one device\n"
    )
