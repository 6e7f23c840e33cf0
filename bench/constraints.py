"""Constraints beside other engines, in one process: compiling, loading, masks, many schemas.

    python bench/constraints.py                       # 32k and 128k tokens, all that is installed
    python bench/constraints.py --sizes 32768 --only equal

Vocabularies are trained once and kept in the cache folder. All times are processor time, and all
engines use one thread; `--outlines` lets outlines-core build its index at 128k: a minute.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from constraint_engines import PEERS, Batch, Engine, LLGuidance, Ours, Vocab, XGrammar, installed
from constraint_equality import report_equality
from vocabulary import tokenizer_file

from sglc.constraints import build
from sglc.constraints.artifacts import ArtifactFolder
from sglc.constraints.automaton import Automaton
from sglc.constraints.store import AutomatonStore
from sglc.constraints.types import Regex
from sglc.runtime.config import cache_folder
from sglc.runtime.core.script import Constraint
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.precompute import precompute
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.masks.trie import TokenTrie

HOUSES = "Gryffindor|Slytherin|Ravenclaw|Hufflepuff"
JOBS = "student|teacher|auror|ministry of magic|death eater|order of the phoenix"
SHORT = r'"[\w\d\s]{1,16}"'
CARD = (
    rf'\{{\n    "name": {SHORT},\n    "house": "({HOUSES})",\n'
    r'    "blood status": "(Pure-blood|Half-blood|Muggle-born)",' + "\n"
    rf'    "occupation": "({JOBS})",\n    "wand": \{{\n        "wood": {SHORT},\n'
    rf'        "core": {SHORT},\n        "length": [0-9]{{1,2}}\.[0-9]{{0,2}}\n    \}},\n'
    rf'    "alive": "(Alive|Deceased)",\n    "patronus": {SHORT},\n    "bogart": {SHORT}\n\}}'
)
"""The character card of the examples, as a pattern."""


clock = time.process_time  # of all threads: what others do on the machine does not count


def card(rng: random.Random) -> str:
    """A member of ``CARD``."""
    letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGH 0123"
    short = lambda: "".join(rng.choices(letters, k=rng.randint(3, 14)))  # noqa: E731
    return (
        f'{{\n    "name": "{short()}",\n    "house": "{rng.choice(HOUSES.split("|"))}",\n'
        f'    "blood status": "Half-blood",\n    "occupation": "{rng.choice(JOBS.split("|"))}",\n'
        f'    "wand": {{\n        "wood": "{short()}",\n        "core": "{short()}",\n'
        f'        "length": {rng.randint(1, 20)}.5\n    }},\n    "alive": "Alive",\n'
        f'    "patronus": "{short()}",\n    "bogart": "{short()}"\n}}'
    )


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what the function returns."""
    gc.collect()
    start = clock()
    found = function()
    return (clock() - start) * 1e3, found


def walk_cards(batch: Batch, texts: Sequence[Sequence[int]]) -> Iterator[float]:
    """Milliseconds of filling the masks of each step, all texts side by side."""
    for tokens in zip(*texts, strict=False):
        start = clock()
        batch.fill()
        yield (clock() - start) * 1e3
        batch.advance(tokens)


def measure(engine: Engine, vocab: Vocab, rounds: int) -> dict[str, float]:
    """Compile the card, then walk through batches of 16 cards."""
    rng = random.Random(1)
    compile_ms, compiled = timed(lambda: engine.compile("regex", CARD))
    texts = [vocab.encode(card(rng)) for _ in range(16)]
    first = list(walk_cards(engine.begin(compiled, 16), texts))
    later: list[float] = []
    for _ in range(rounds):
        texts = [vocab.encode(card(rng)) for _ in range(16)]
        later += walk_cards(engine.begin(compiled, 16), texts)
    return {
        "compile_ms": compile_ms,
        "batch16_median_us": statistics.median(later) * 1e3,
        "batch16_worst_ms": max(first + later),
    }


def measure_first_visits(engine: Ours, vocab: Vocab) -> dict[str, float]:
    """The masks of single states, each asked for the first time; and the warm load."""
    rng = random.Random(2)
    machine = build.language(Regex(CARD))
    assert isinstance(machine, Automaton)
    constraint = Constraint(machine, "eos")
    fresh = MaskCache(engine.vocabulary, max_mib=64)
    for belongs in (Constraint(build.language(Regex("a")), "eos"), constraint):
        fresh.get_closing(belongs, belongs.machine.start, 9)  # to vocabulary and compilation
    seen: set[int] = set()
    times: list[float] = []
    for _ in range(20):
        state = machine.start
        for token in vocab.encode(card(rng)):
            if state not in seen:
                seen.add(state)
                start = clock()
                fresh.get_closing(constraint, state, 100_000)
                times.append((clock() - start) * 1e3)
            state = machine.run(state, vocab.token_bytes[token])
    found = {"first_visit_worst_ms": max(times), "first_visit_median_ms": statistics.median(times)}
    return found | measure_load(engine, constraint, machine)


def measure_load(engine: Ours, constraint: Constraint, machine: Automaton) -> dict[str, float]:
    """Make everything ahead, then load it as a run would: automaton, masks, the first mask."""
    with TemporaryDirectory() as path:
        folder = ArtifactFolder(Path(path))
        automata = AutomatonStore(folder)
        masks = MaskStore(folder, "bench", engine.vocabulary)
        automata.save(Regex(CARD), machine)
        eos = np.array(sorted(engine.vocabulary.eos_ids))
        trie = TokenTrie(engine.vocabulary.token_bytes)
        ahead_ms, made = timed(lambda: precompute(trie, constraint, eos, 10**6))
        masks.save(constraint, made)
        cache = MaskCache(engine.vocabulary, 64, masks)
        simple = Constraint(build.language(Regex("a")), "eos")
        cache.get_closing(simple, simple.machine.start, 9)  # what belongs to the vocabulary
        before = cache.masks_built

        def load() -> None:
            found = automata.load(Regex(CARD))
            assert found is not None
            cache.get_closing(Constraint(found, "eos"), found.start, 100_000)

        load_ms, _ = timed(load)
        assert (cache.masks_built, cache.masks_loaded) == (before, 1)
        size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    return {"warm_load_ms": load_ms, "all_masks_ms": ahead_ms, "kilobytes": size / 1e3}


def some_schema(number: int) -> str:
    """One of many schemas of a handful of properties."""
    rng = random.Random(number)
    kinds: list[dict[str, Any]] = [
        {"type": "string", "maxLength": rng.randint(5, 30)},
        {"type": "integer", "minimum": 0, "maximum": rng.randint(10, 10_000)},
        {"type": "boolean"},
        {"enum": [f"value {rng.randint(0, 999)}" for _ in range(rng.randint(2, 6))]},
        {"type": "array", "items": {"type": "integer"}, "maxItems": rng.randint(1, 5)},
        {
            "type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "string"}},
            "required": ["x"],
            "additionalProperties": False,
        },
    ]
    names = [f"field_{rng.randint(0, 9999)}" for _ in range(rng.randint(3, 8))]
    schema = {
        "type": "object",
        "properties": {name: rng.choice(kinds) for name in names},
        "required": names[::2],
        "additionalProperties": False,
    }
    return json.dumps(schema)


def measure_schemas(engine: Engine, count: int) -> dict[str, float]:
    """Compile so many different schemas, each with its first mask."""
    schemas = [some_schema(number) for number in range(count)]
    times: list[float] = []
    sizes: list[float] = []
    for number, schema in enumerate(schemas):
        start = clock()
        engine.begin(engine.compile("schema", schema), 1).fill()
        times.append((clock() - start) * 1e3)
        if number + 1 in (count // 2, count):
            gc.collect()
            sizes.append(resident_mib())
    return {
        "schemas_per_minute": 60_000 / statistics.fmean(times),
        "schema_median_ms": statistics.median(times),
        "schema_worst_ms": max(times),
        "second_half_mib": sizes[1] - sizes[0],
    }


def resident_mib() -> float:
    """Memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def engines(vocab: Vocab, names: Sequence[str]) -> Iterator[Engine]:
    """Ours, and the peers that are installed."""
    yield Ours(vocab)
    for name in names:
        if installed(name) is None:
            print(f"{name:14} is not installed")
            continue
        setup_ms, engine = timed(lambda: PEERS[name](vocab))  # noqa: B023  # called at once
        print(f"{name:14} {installed(name)}, vocabulary {setup_ms:.0f} ms")
        yield engine


def show(size: int, name: str, found: dict[str, float], ours: dict[str, float] | None) -> None:
    """Print figures, with how many times ours each is."""
    for key, value in found.items():
        ratio = f"  x {value / ours[key]:.2f}" if ours and ours.get(key) else ""
        print(f"{size:7} {name:14} {key:24} {value:12.3f}{ratio}")


def run_speed(vocab: Vocab, args: argparse.Namespace) -> None:
    """Figures of the card and of many schemas, engine by engine."""
    size = len(vocab.token_bytes)
    start = clock()
    TokenTrie(vocab.token_bytes)
    print(f"{size:7} {'sglc':14} trie_ms                  {(clock() - start) * 1e3:12.3f}")
    ours: dict[str, float] | None = None
    for engine in engines(vocab, args.peers.split(",") if args.peers else []):
        if engine.name == "outlines-core" and size > 40_000 and not args.outlines:
            print(f"{size:7} outlines-core  left out: see --outlines")
            continue
        found = measure(engine, vocab, args.rounds)
        if isinstance(engine, Ours):
            found |= measure_first_visits(engine, vocab)
        if isinstance(engine, Ours | LLGuidance | XGrammar):
            found |= measure_schemas(engine, args.schemas)
        show(size, engine.name, found, ours)
        ours = ours or found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="32768,131072")
    parser.add_argument("--only", choices=("speed", "equal"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--schemas", type=int, default=1000)
    parser.add_argument("--peers", default=",".join(PEERS), help="which, if they are installed")
    parser.add_argument("--outlines", action="store_true")
    parser.add_argument("--vocabularies", type=Path, help="a folder for them")
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = args.vocabularies or (cache_folder() or Path(".")) / "bench"
    for size in map(int, args.sizes.split(",")):
        vocab = Vocab(tokenizer_file(size, folder))
        if args.only != "equal":
            run_speed(vocab, args)
        if args.only != "speed" and size <= 40_000:
            report_equality(vocab, list(engines(vocab, ["llguidance", "xgrammar"])))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
