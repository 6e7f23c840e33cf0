"""The options of ``sglc serve`` about uploaded programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sglc.cli.errors import UsageError
from sglc.cli.uploads import add_uploads, programs_config
from sglc.server.programs.config import ProgramsConfig


def parsed(*words: str) -> ProgramsConfig:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_uploads(parser)
    return programs_config(parser.parse_args(words))


def test_without_options_programs_have_the_usual_limits() -> None:
    assert parsed() == ProgramsConfig()


def test_options_say_how_long_runs_may_take(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps({"look": {"url": "https://tools.example/look"}}))
    config = parsed("--run-timeout", "5", "--run-grace", "2.5", "--tool-webhooks", str(file))
    assert config.limits.wall_time_s == 5
    assert config.run_grace_s == 2.5
    assert config.webhooks["look"].url == "https://tools.example/look"
    assert config.limits.max_tokens == ProgramsConfig().limits.max_tokens


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--tool-webhooks: .*none\.json cannot be read"):
        parsed("--tool-webhooks", str(tmp_path / "none.json"))


@pytest.mark.parametrize("time_s", ["0", "-1", "inf", "nan"])
def test_a_time_is_above_zero(time_s: str) -> None:
    with pytest.raises(argparse.ArgumentError, match="above 0"):
        parsed("--run-timeout", time_s)
