"""docs/operations.md names the flags and metrics that there are, and all of them."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path

from sglc.cli import keys, operations, serve
from sglc.server.operations.metrics import Metrics
from sglc.server.operations.tenant import TenantLimits

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "operations.md").read_text()
NAMED = set(re.findall(r"--[a-z][a-z-]*", TEXT))


def options(parser: argparse.ArgumentParser) -> set[str]:
    found = set()
    for action in parser._actions:
        found |= {each for each in action.option_strings if each.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                found |= options(each)
    return found - {"--help"}


def test_every_flag_that_is_named_exists() -> None:
    parsers = [argparse.ArgumentParser(), argparse.ArgumentParser()]
    serve.add_arguments(parsers[0])
    keys.add_arguments(parsers[1])
    assert NAMED - options(parsers[0]) - options(parsers[1]) == set()


def test_every_flag_of_operations_is_named() -> None:
    parser = argparse.ArgumentParser()
    operations.add_operations(parser)
    limits = {"--" + each.name.replace("_", "-") for each in fields(TenantLimits)}
    assert options(parser) | limits <= NAMED


def test_every_metric_is_in_the_table_with_its_type() -> None:
    table = dict(re.findall(r"^\| `((?:sglang|sglc):\w+)` \| (\w+) \|", TEXT, re.MULTILINE))
    found = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in Metrics("m").registry.collect()
    }
    assert table == found


def test_every_file_that_ships_is_in_the_table() -> None:
    table = set(re.findall(r"^\| `((?:docker|deploy)/[\w.]+)` \|", TEXT, re.MULTILINE))
    there = {
        str(path.relative_to(ROOT))
        for name in ("docker", "deploy")
        for path in (ROOT / name).iterdir()
    }
    assert table == there
