"""The engine's configuration is checked where it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.runtime.config import EngineConfig, cache_folder


def test_environment_sets_fields() -> None:
    config = EngineConfig.from_env({"SGLC_CHUNK_SIZE": "16", "OTHER": "x"})
    assert config == EngineConfig(chunk_size=16)


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "1.5"])
def test_environment_names_the_bad_variable(text: str) -> None:
    with pytest.raises(ValueError, match="SGLC_MAX_RUNNING"):
        EngineConfig.from_env({"SGLC_MAX_RUNNING": text})


def test_environment_switches_are_1_or_0() -> None:
    assert EngineConfig().jump_forward
    assert not EngineConfig.from_env({"SGLC_JUMP_FORWARD": "0"}).jump_forward
    assert EngineConfig.from_env({"SGLC_JUMP_FORWARD": "1"}).jump_forward
    with pytest.raises(ValueError, match="SGLC_JUMP_FORWARD must be 0 or 1"):
        EngineConfig.from_env({"SGLC_JUMP_FORWARD": "yes"})


def test_environment_names_a_policy() -> None:
    config = EngineConfig.from_env({"SGLC_SCHEDULE_POLICY": "dfs-weight", "SGLC_RADIX_CACHE": "0"})
    assert config == EngineConfig(schedule_policy="dfs-weight", radix_cache=False)
    with pytest.raises(ValueError, match=r"SGLC_SCHEDULE_POLICY must be one of .*, not 'first'"):
        EngineConfig.from_env({"SGLC_SCHEDULE_POLICY": "first"})


def test_fields_are_checked() -> None:
    with pytest.raises(ValueError, match="jump_forward"):
        EngineConfig(jump_forward=1)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="schedule_policy must be one of fcfs, lpm, "):
        EngineConfig(schedule_policy="lmp")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="max_prefill_tokens"):
        EngineConfig(max_prefill_tokens=0)


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"SGLC_CACHE_DIR": "here", "HOME": "/h", "XDG_CACHE_HOME": "/x"}, Path("here")),
        ({"SGLC_CACHE_DIR": "", "HOME": "/h", "XDG_CACHE_HOME": "/x"}, None),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, Path("/x/sglc")),
        ({"XDG_CACHE_HOME": "x", "HOME": "/h"}, Path("/h/.cache/sglc")),
        ({"HOME": "/h"}, Path("/h/.cache/sglc")),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_where_constraints_are_kept(env: dict[str, str], folder: Path | None) -> None:
    assert cache_folder(env) == folder
