"""The examples and the prompts of the standard library, with arguments and tools to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
QUESTION = {"question": "Why?"}
CASES: list[tuple[str, str, Mapping[str, Any]]] = [
    ("examples/agent", "agent", {"task": "Fix it.", "max_steps": 2}),
    ("examples/capitals", "capitals", QUESTION),
    ("examples/character", "character", {"name": "Ada"}),
    ("examples/debate", "debate", {"topic": "Tea."}),
    ("examples/dns_ip", "dns_ip", {}),
    ("examples/judge", "judge", {"essay": "It rains."}),
    ("examples/multi_turn", "multi_turn", {"question_1": "Why?", "question_2": "How?"}),
    ("examples/rag", "rag", QUESTION),
    ("examples/react", "react", {**QUESTION, "max_steps": 2}),
    ("examples/solve", "solve", {**QUESTION, "samples": 2}),
    ("examples/text_qa", "text_qa", QUESTION),
    ("examples/tip_suggestion", "tip_suggestion", {}),
    ("examples/tool_use", "tool_use", QUESTION),
    ("examples/tour", "tour", {}),
    ("examples/tree_of_thought", "tree_of_thought", {**QUESTION, "width": 2, "depth": 1}),
    ("stdlib/judge", "grade", {"text": "t", "criterion": "wit"}),
    ("stdlib/judge", "score", {"text": "t", "criteria": ["clarity", "wit"]}),
    ("stdlib/judge", "compare", {**QUESTION, "a": "x", "b": "y"}),
    ("stdlib/react", "next_action", {**QUESTION, "notes": []}),
    ("stdlib/react", "conclude", {**QUESTION, "notes": []}),
    ("stdlib/vote", "answer", {**QUESTION, "samples": 2}),
    ("stdlib/vote", "number_of", {**QUESTION, "samples": 2}),
]
IDS = [f"{name}-{prompt}" for name, prompt, _ in CASES]


def make_tools(log: list[str]) -> dict[str, Callable[..., Any]]:
    """Stand for the tools of the examples; ``run_tests`` is the one that changes something."""

    def run_tests() -> str:
        log.append("run_tests")
        return "1 failed"

    return {
        "read_file": lambda path: f"text of {path[:4]}",
        "run_tests": run_tests,
        "wiki": lambda query: f"about {query[:4]}",
        "tools.index.retrieve": lambda question, k=3: [{"title": "t", "body": "x"}] * k,
    }
