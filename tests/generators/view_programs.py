"""Programs that the tests of the views share."""

from __future__ import annotations

from pathlib import Path

from sglc.compiler.source import SourceFile

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.sgl"))

TIPS = """type Score = int(1..10)

prompt tips(topic: str) -> int:
    user: "Two tips about {topic}."
    fork i in 1..2 as tip:
        assistant: "Tip {i}: {text = gen(line, max_tokens=32)}"
    assistant: score = gen(Score)
    if score > 5: user: "{tip[0].text}"
    return score
"""

LOOP = """tool find(query: str) -> str from "tools:find"

prompt look(goal: str, turns: int = 4) -> str:
    "Goal: {goal}\\n"
    for n in 1..turns:
        act = select("find", "stop")
        match act:
            "find": "{try find(goal) else "nothing"}\\n"
            "stop": return "stopped"
    return "out of turns"
"""


def read(path: Path) -> SourceFile:
    return SourceFile.read(path)


def long_program(num_turns: int) -> str:
    """``num_turns`` texts and calls in a row, then a loop over as many texts."""
    body = "".join(
        f'    "line {n} {{topic}}"\n    a{n} = gen(max_tokens=4)\n' for n in range(num_turns)
    )
    inner = "".join(f'        "step {n} {{i}}"\n' for n in range(num_turns))
    return f"prompt long(topic: str):\n{body}    for i in 1..3:\n{inner}"
