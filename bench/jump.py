"""Character cards with jump-forward against the same engine with token masks only.

Two cards: `examples/character.sgl`, and the pattern that cards of this kind are usually written
as. Both engines hold the same model and take turns, card by card, so that the machine's speed
cancels out of the ratio. Every round has names of its own, so no card comes out of the cache.

    python bench/jump.py --rounds 7
    python bench/jump.py --profile pattern

Prints, for each card and batch size, the share of tokens that were forced, milliseconds per card
of both (medians of the rounds), their ratio, that of the processor time (which others at work on
the machine disturb less) and of the engines' steps, and how many texts were equal: of all, and of
those that the model, left to itself, cut as the tokenizer does.
"""

from __future__ import annotations

import argparse
import cProfile
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Decoded, DecodeResult
from sglc.runtime.local import LocalHost, load
from sglc.runtime.options import LocalOptions

ROOT = Path(__file__).parent.parent
PATTERN = r"""\{
    "name": "[\w\d\s]{1,16}",
    "house": "(Gryffindor|Slytherin|Ravenclaw|Hufflepuff)",
    "blood status": "(Pure-blood|Half-blood|Muggle-born)",
    "occupation": "(student|teacher|auror|ministry of magic|death eater|order of the phoenix)",
    "wand": \{
        "wood": "[\w\d\s]{1,16}",
        "core": "[\w\d\s]{1,16}",
        "length": [0-9]{1,2}\.[0-9]{0,2}
    \},
    "alive": "(Alive|Deceased)",
    "patronus": "[\w\d\s]{1,16}",
    "bogart": "[\w\d\s]{1,16}"
\}"""
REGEX = PATTERN.replace("/", r"\/").replace("\n", r"\n")
PROGRAMS = {
    "type": (ROOT / "examples" / "character.sgl").read_text(encoding="utf-8"),
    "pattern": (
        "prompt character(name: str):\n"
        '    "{name} is a character in Harry Potter. Fill in this card:\\n"\n'
        f"    card = gen(/{REGEX}/, max_tokens=400)\n"
    ),
}
FIRST = ["Harry", "Hermione", "Ron", "Draco", "Luna", "Neville", "Ginny", "Albus", "Minerva"]
LAST = ["Potter", "Granger", "Weasley", "Malfoy", "Lovegood", "Longbottom", "McGonagall"]


class Round(NamedTuple):
    """What one engine did with one batch of cards."""

    seconds: float
    cpu_seconds: float
    steps: int
    results: list[DecodeResult]


class Engine:
    """A host that keeps the results of its decodes."""

    def __init__(self, *, jump: bool) -> None:
        self.host: LocalHost = load(LocalOptions(engine=EngineConfig(jump_forward=jump)))
        self._results: list[DecodeResult] = []
        step = self.host.scheduler.step

        def recorded() -> list[object]:
            events = step()
            self._results += [e.result for e in events if isinstance(e, Decoded)]
            return list(events)

        self.host.scheduler.step = recorded  # type: ignore[method-assign,assignment]  # to listen

    def run(self, plan: Plan, names: Sequence[str]) -> Round:
        """Run one card per name, all at once."""
        self._results.clear()
        before = self.host.scheduler.stats()["forward_passes"]
        rows = [(number, {"name": name}) for number, name in enumerate(names)]
        start, cpu_start = time.perf_counter(), time.thread_time()
        for _, result in self.host.run_batch(plan, rows):
            assert result.error is None, result.error
        seconds, cpu_seconds = time.perf_counter() - start, time.thread_time() - cpu_start
        steps = self.host.scheduler.stats()["forward_passes"] - before
        return Round(seconds, cpu_seconds, steps, sorted(self._results, key=lambda r: r.text))

    def is_canonical(self, result: DecodeResult) -> bool:
        """Whether the tokenizer would cut the text in the same way."""
        ids = self.host.encoder.tokenizer.encode(result.text, continues=True)
        return ids == list(result.ids[: result.num_kept])


def batches(count: int, size: int) -> Iterator[list[str]]:
    """``count`` batches of ``size`` names each, no name twice."""
    number = 0
    for _ in range(count):
        names = []
        for _ in range(size):
            first, last = FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]
            names.append(f"{first} {last}" + (f" {number}" if number >= 63 else ""))
            number += 1
        yield names


def compare(name: str, plan: Plan, engines: tuple[Engine, Engine], size: int, rounds: int) -> None:
    """Let both engines do the same cards in turns, and print what came of it."""
    plain: list[Round] = []
    jumped: list[Round] = []
    for number, names in enumerate(batches(rounds + 2, size)):
        pair = [engine.run(plan, names) for engine in engines]
        if number >= 2:  # the first two build the masks
            plain.append(pair[0])
            jumped.append(pair[1])
    tokens = sum(len(r.ids) for one in jumped for r in one.results)
    forced = sum(r.num_forced for one in jumped for r in one.results)
    seconds = [statistics.median(r.seconds for r in one) / size for one in (plain, jumped)]
    both = list(zip(plain, jumped, strict=True))
    ratio = statistics.median(a.seconds / b.seconds for a, b in both)
    cpu_ratio = statistics.median(a.cpu_seconds / b.cpu_seconds for a, b in both)
    steps = [sum(one.steps for one in many) / rounds for many in (plain, jumped)]
    texts = [{r.text: r for r in one.results} for one in plain]
    pairs = [(r, r.text in of) for of, one in zip(texts, jumped, strict=True) for r in one.results]
    cut_alike = [
        (r, {x.text for x in other.results})
        for one, other in zip(plain, jumped, strict=True)
        for r in one.results
        if engines[0].is_canonical(r)
    ]
    print(
        f"{name}, batch {size}: {forced / tokens:.0%} of {tokens / len(pairs):.0f} tokens forced, "
        f"{seconds[0] * 1e3:.1f} ms a card with masks only, {seconds[1] * 1e3:.1f} ms with jumps, "
        f"ratio {ratio:.2f}, of CPU time {cpu_ratio:.2f}, of steps {steps[0] / steps[1]:.2f} "
        f"({steps[0]:.0f} and {steps[1]:.0f}); "
        f"{sum(equal for _, equal in pairs)} of {len(pairs)} texts equal, "
        f"{sum(r.text in known for r, known in cut_alike)} of the {len(cut_alike)} cut alike"
    )


def compiled(source: str) -> Plan:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("card.sgl", source), sink)
    assert program is not None, sink.diagnostics
    return program.plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 16])
    parser.add_argument("--profile", choices=list(PROGRAMS), help="profile this card, with jumps")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.profile:
        engine, plan = Engine(jump=True), compiled(PROGRAMS[args.profile])
        made = list(batches(args.rounds + 2, args.batch[0]))
        for names in made[:2]:
            engine.run(plan, names)
        profile = cProfile.Profile()
        profile.enable()
        for names in made[2:]:
            engine.run(plan, names)
        profile.disable()
        profile.print_stats("tottime")
        return
    engines = (Engine(jump=False), Engine(jump=True))
    for name, source in PROGRAMS.items():
        for size in args.batch:
            compare(name, compiled(source), engines, size, args.rounds)


if __name__ == "__main__":
    main()
