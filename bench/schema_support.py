"""What of JSON Schema is supported, keyword by keyword, on the official test suite.

    python bench/schema_support.py SUITE            # a folder with `tests` and `remotes` in it

The suite ships in the source distribution of the package jsonschema, in the folder `json`. Prints,
for every file of required tests, how many groups were decided exactly, how many were refused and
why, and every wrong verdict. A group is exact if the text of each instance is in the language just
when the instance is valid.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from jsonschema_specifications import REGISTRY

from sglc.constraints.schema import (
    CompiledSchema,
    Invalid,
    SchemaError,
    SchemaOptions,
    compile_schema,
)

FOLDERS: dict[Any, str] = {"2020-12": "draft2020-12", "7": "draft7"}


def documents(suite: Path) -> dict[str, Any]:
    """The documents that schemas of the suite refer to, by URI."""
    found: dict[str, Any] = {uri: REGISTRY.contents(uri) for uri in REGISTRY}
    for path in sorted((suite / "remotes").rglob("*.json")):
        uri = f"http://localhost:1234/{path.relative_to(suite / 'remotes').as_posix()}"
        found[uri] = json.loads(path.read_text(encoding="utf-8"))
    return found


def is_valid(compiled: CompiledSchema, value: Any) -> bool:
    """The verdict about the text of a value, what is checked after generation included."""
    if not compiled.machine.accepts(compiled.canonical_text(value).encode()):
        return False
    if not compiled.needs_check:
        return True
    try:
        compiled.check(value)
    except Invalid:
        return False
    return True


def judge(path: Path, options: SchemaOptions, known: dict[str, Any]) -> tuple[int, list[str]]:
    """The number of exact groups of a file, and a line for each other one."""
    exact, others = 0, []
    for group in json.loads(path.read_text(encoding="utf-8")):
        try:
            compiled = compile_schema(group["schema"], options=options, resources=known)
        except SchemaError as error:
            others.append(f"refused: {group['description']}: {error}")
            continue
        wrong = [t for t in group["tests"] if is_valid(compiled, t["data"]) != t["valid"]]
        exact += not wrong
        others += [f"WRONG: {group['description']}: {t['description']}" for t in wrong]
    return exact, others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("suite", type=Path)
    suite = parser.parse_args().suite
    known = documents(suite)
    for draft, folder in FOLDERS.items():
        options = SchemaOptions(formats="annotate", draft=draft)
        total = 0
        print(f"draft {draft}")
        for path in sorted((suite / "tests" / folder).glob("*.json")):
            exact, others = judge(path, options, known)
            total += exact
            print(f"  {path.stem:24} {exact:3} exact", *others, sep="\n      " if others else "")
        print(f"  {'all':24} {total:3} exact")


if __name__ == "__main__":
    main()
