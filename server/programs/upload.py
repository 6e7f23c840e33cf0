"""What is uploaded, and what the compiler's process says of it: pickled between the two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

NAME: Final = "program"  # of the uploaded file in diagnostics; no file of the machine is called so
Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A program, as text or as a graph in either of its forms, and how it is to be compiled.

    ``entry`` is the prompt that is run, None for any; ``known`` are arguments that all runs have.
    """

    source: str | None = None
    graph: str | Mapping[str, Any] | None = None
    entry: str | None = None
    level: int = 2
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same for the same program, compiled in the same way."""
        text = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"))
        return "prog_" + hashlib.sha256(text.encode()).hexdigest()

    def to_data(self) -> Data:
        """Return the upload as JSON."""
        return {
            "source": self.source,
            "graph": self.graph,
            "entry": self.entry,
            "level": self.level,
            "known": dict(self.known),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Upload:
        """Return the upload that ``to_data`` made ``data`` from.

        Raises:
            TypeError: it was made from none.
        """
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilerSettings:
    """What a program may take, and the model it is for.

    ``timeout_s`` and ``memory_bytes`` are of the process that compiles it; ``max_nodes`` and
    ``max_depth`` of its plan: nodes, and blocks inside of blocks; ``max_plan_bytes`` of the plan as
    it is handed over.
    """

    model: str = "embedded"
    tokenizer: str | None = None
    chat_template: str | None = None
    model_names: frozenset[str] = frozenset({"embedded"})
    timeout_s: float = 20.0
    memory_bytes: int = 2 << 30
    max_source_chars: int = 256 << 10
    max_nodes: int = 20_000
    max_depth: int = 100
    max_plan_bytes: int = 2 << 20


@dataclass(frozen=True, slots=True)
class Build:
    """Compile a program."""

    upload: Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Compile a program and write it down: as a graph, as a plan, as a page with a run of it."""

    upload: Upload
    form: Literal["graph", "graph.json", "plan", "page"]
    is_written: bool = False  # before the passes
    trace: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A compiled program. ``plan`` is pickled; ``entry`` is the prompt of a run that names none.

    ``prompts`` describe what can be run (``signatures.py``), ``tools`` are the names of those that
    runs may ask for, ``files`` maps the names in traces to digests, ``seed`` is the one the program
    sets. ``is_checked_aside``: checking arguments may take longer than the event loop has.
    """

    plan: bytes
    digest: str
    entry: str | None
    prompts: Sequence[Data]
    tools: Sequence[Data]
    warnings: Sequence[Data]
    files: Mapping[str, str]
    seed: int | None
    is_checked_aside: bool
    functions: bytes  # pickled: the prompts' parameters, for checking arguments


@dataclass(frozen=True, slots=True)
class Shown:
    """What was to be written down, in UTF-8."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A program that is not compiled, and why. ``param`` is the field that is to blame."""

    message: str
    param: str | None = None
    diagnostics: Sequence[Data] = ()
    code: str = "program_error"


Question = Build | Show
Reply = Built | Shown | Refused
