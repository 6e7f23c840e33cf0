"""The engine's configuration is checked where it is made."""

from __future__ import annotations

import pytest

from sglc.runtime.config import EngineConfig


def test_environment_sets_fields() -> None:
    config = EngineConfig.from_env({"SGLC_CHUNK_SIZE": "16", "OTHER": "x"})
    assert config == EngineConfig(chunk_size=16)


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "1.5"])
def test_environment_names_the_bad_variable(text: str) -> None:
    with pytest.raises(ValueError, match="SGLC_MAX_RUNNING"):
        EngineConfig.from_env({"SGLC_MAX_RUNNING": text})


def test_fields_are_checked() -> None:
    with pytest.raises(ValueError, match="max_prefill_tokens"):
        EngineConfig(max_prefill_tokens=0)
