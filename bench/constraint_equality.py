"""Do engines allow the same tokens? Random texts are written, and the masks compared at each step.

A token that only we allow is held against a witness: the text so far, the token, and the shortest
way to an end from there, which `re` or the parsed schema must accept. Where one byte string is
forced, llguidance allows only the token that its tokenizer would cut: a smaller set is then no
difference. The other differences are listed with the bytes of a token.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from constraint_engines import Engine, Kind, Ours, Vocab
from numpy.typing import NDArray

from sglc.constraints import build
from sglc.constraints.machine import Machine
from sglc.constraints.types import Regex, Schema, Type

CASES: list[tuple[Kind, str]] = [
    ("regex", r"yes|yes please|no"),
    ("regex", r"(a|ab)(c|bcd)(d*)"),
    ("regex", r"((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"),
    ("regex", r"[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}"),
    ("regex", r"[a-zA-Z0-9_ ]{1,16}(, [a-zA-Z0-9_ ]{1,16}){0,3}"),
    ("regex", r'"[^"\\\n]{0,30}"'),
    ("regex", r"[\w\d\s]{1,16}"),
    ("regex", r"(?:[A-Z][a-z]+ ){2,4}(é|ü|日本)*"),
    ("schema", '{"type": "integer", "minimum": 3, "maximum": 1024}'),
    ("schema", '{"enum": ["red", "green", "blue", 12, null]}'),
    ("schema", '{"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3}'),
    (
        "schema",
        '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},'
        ' "required": ["name", "age"], "additionalProperties": false}',
    ),
]
_STEPS, _TEXTS = 40, 6


class Difference(NamedTuple):
    """Tokens that one of two engines allows after a text."""

    text: bytes
    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]


def report_equality(vocab: Vocab, engines: Sequence[Engine]) -> None:
    """Print, per case and peer, how many masks were equal and how the others differ."""
    ours = next(engine for engine in engines if isinstance(engine, Ours))
    for kind, source in CASES:
        for peer in engines:
            if peer is not ours:
                _compare(vocab, ours, peer, kind, source)


def _compare(vocab: Vocab, ours: Ours, peer: Engine, kind: Kind, source: str) -> None:
    t: Type = Regex(source) if kind == "regex" else Schema(source)
    machine = build.language(t)
    try:
        compiled = peer.compile(kind, source)
    except ValueError as error:
        print(f"{source[:60]!r:64} {peer.name:10} refused: {str(error).splitlines()[0][:80]}")
        return
    own = ours.compile(kind, source)
    rng = random.Random(0)
    counts: Counter[str] = Counter()
    differences: list[Difference] = []
    for _ in range(_TEXTS):
        mine, theirs = ours.begin(own, 1), peer.begin(compiled, 1)
        text, state = b"", machine.start
        for _ in range(_STEPS):
            here, there = _ids(mine.fill()), _ids(theirs.fill())
            only_here, only_there = np.setdiff1d(here, there), np.setdiff1d(there, here)
            if not len(only_here) and not len(only_there):
                counts["equal"] += 1
            elif machine.forced(state) and not len(only_there) and peer.name == "llguidance":
                counts["forced"] += 1
            else:
                counts["different"] += 1
                differences.append(Difference(text, only_here, only_there))
            both = np.intersect1d(here, there)
            both = both[both != vocab.eos]
            if not len(both):
                break
            token = int(rng.choice(both))
            text += vocab.token_bytes[token]
            state = machine.run(machine.start, text)
            mine.advance([token])
            theirs.advance([token])
    summary = ", ".join(f"{counts[name]} {name}" for name in ("equal", "forced", "different"))
    print(f"{source[:60]!r:64} {peer.name:10} {summary}")
    for line in _explained(vocab, t, machine, differences):
        print("    " + line)


def _explained(
    vocab: Vocab, t: Type, machine: Machine, differences: Sequence[Difference]
) -> list[str]:
    """Say who is right about each token, as far as a witness shows it."""
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for text, only_here, only_there in differences:
        for token in only_here[:200].tolist():
            witness = text + vocab.token_bytes[token]
            witness += machine.completion(machine.run(machine.start, witness))
            what = "only ours, a member begins so" if _is_member(t, witness) else "ONLY OURS, WRONG"
            counts[what] += 1
            example.setdefault(what, f"{text!r} + {vocab.token_bytes[token]!r}")
        for token in only_there[:200].tolist():
            what = "only theirs"
            counts[what] += 1
            example.setdefault(what, f"{text!r} + {vocab.token_bytes[token]!r}")
    return [f"{count} tokens {what}, such as {example[what]}" for what, count in counts.items()]


def _is_member(t: Type, data: bytes) -> bool:
    """Whether a text is a member, by other means than the machine."""
    text = data.decode()
    if isinstance(t, Regex):
        return re.fullmatch(t.pattern, text) is not None
    import jsonschema

    assert isinstance(t, Schema)
    validator = jsonschema.Draft202012Validator(json.loads(t.text))
    return bool(validator.is_valid(json.loads(text)))


def _ids(words: NDArray[np.int32]) -> NDArray[np.int64]:
    bits = np.unpackbits(words[0].astype("<i4").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits)
