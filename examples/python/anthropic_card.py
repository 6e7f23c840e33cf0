"""A record from a model: ANTHROPIC_API_KEY=… python examples/python/anthropic_card.py"""

from dataclasses import dataclass
from typing import Literal

import sglc


@dataclass
class Character:
    name: str
    house: Literal["Gryffindor", "Slytherin", "Ravenclaw", "Hufflepuff"]
    age: int


@sglc.function
def character(s, name):
    s += sglc.user(f"Who is {name}?")
    s += sglc.assistant(sglc.gen("card", type=Character, max_tokens=128))


with sglc.Anthropic("claude-haiku-4-5") as backend:
    print(character.run(name="Hermione Granger", backend=backend)["card"])
