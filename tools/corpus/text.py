"""How documents are written: chat turns, question lines, and invisible marks for the trainer.

Marks are control characters which never reach the model: ``key`` wraps text whose loss counts
more, ``cut`` forces a token boundary where a program would end its prompt with a space.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import TypeVar

END_OF_TEXT = "<|endoftext|>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"
KEY_OPEN, KEY_CLOSE, CUT = "\x02", "\x03", "\x04"

Generator = Callable[[Random], str]
T = TypeVar("T")


def key(text: object) -> str:
    """Mark ``text`` as the part of the document that matters most."""
    return f"{KEY_OPEN}{text}{KEY_CLOSE}"


def plain(text: str) -> str:
    """Return ``text`` without the marks."""
    return text.translate({ord(mark): None for mark in (KEY_OPEN, KEY_CLOSE, CUT)})


def cut(rng: Random) -> str:
    """Return a token boundary, half of the time."""
    return CUT if rng.random() < 0.5 else ""


def turn(role: str, content: str) -> str:
    """Render one message as the chat template does."""
    return f"{IM_START}{role}\n{content}{IM_END}\n"


def chat(*contents: str, system: str = "") -> str:
    """Render alternating user and assistant messages, after a system message if there is one."""
    roles = ("user", "assistant")
    head = turn("system", system) if system else ""
    return head + "".join(turn(roles[i % 2], text) for i, text in enumerate(contents))


def lines(pairs: Iterable[tuple[str, str]]) -> str:
    """Render questions and answers, one line each."""
    return "".join(f"Q: {question}\nA: {answer}\n" for question, answer in pairs)


def ask(rng: Random, question: str, answer: str) -> str:
    """Render one exchange, as chat or as question lines."""
    if rng.random() < 0.5:
        return chat(question, answer)
    return lines([(question, answer)])


def pick(rng: Random, *items: T) -> T:
    """Return one of the items."""
    return rng.choice(items)


def some(rng: Random, items: Sequence[T], low: int, high: int) -> list[T]:
    """Return ``low`` to ``high`` distinct items in random order."""
    return rng.sample(items, min(len(items), rng.randint(low, high)))


def article(noun: str) -> str:
    """Return the noun with its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def upper_first(text: str) -> str:
    """Return ``text`` with its first letter in upper case."""
    return text[:1].upper() + text[1:]
