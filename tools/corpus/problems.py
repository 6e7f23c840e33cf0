"""Word problems solved step by step, as a chain of thought or as a tree of steps with ratings."""

from random import Random
from typing import NamedTuple

from tools.corpus.arithmetic import held_out
from tools.corpus.names import BOYS, PEOPLE, PLURALS, THINGS
from tools.corpus.text import chat, key, pick, turn


class Problem(NamedTuple):
    """A question, the steps to its value, and what the value counts."""

    question: str
    steps: tuple[str, ...]
    value: int
    unit: str


def _small_sum(rng: Random) -> tuple[int, int]:
    while True:
        a, b = rng.randint(2, 60), rng.randint(2, 40)
        if not held_out(a, b):
            return a, b


def problem(rng: Random) -> Problem:
    """Draw a problem of one or two steps."""
    name, other = rng.sample(PEOPLE, 2)
    he = "he" if name in BOYS else "she"
    things = PLURALS[rng.choice(THINGS)]
    kind = rng.randrange(7)
    if kind == 0:
        a, b = _small_sum(rng)
        said = pick(rng, f"gets {b} more", f"buys {b} more", f"finds {b} more")
        text = f"{name} has {a} {things} and {said}. How many {things} does {he} have?"
        return Problem(
            text, (f"{name} has {key(f'{a} + {b} = {a + b}')} {things}.",), a + b, things
        )
    if kind == 1:
        a = rng.randint(5, 60)
        b = rng.randint(1, a - 1)
        said = pick(rng, f"gives {b} to {other}", f"loses {b}", f"uses {b}", f"sells {b}")
        text = f"{name} has {a} {things} and {said}. How many {things} are left?"
        return Problem(
            text, (f"{name} has {key(f'{a} - {b} = {a - b}')} {things} left.",), a - b, things
        )
    if kind == 2:
        a, b = rng.randint(2, 12), rng.randint(2, 12)
        box = pick(rng, "boxes", "bags", "baskets")
        text = f"There are {a} {box} with {b} {things} each. How many {things} are there in all?"
        return Problem(text, (f"There are {key(f'{a} * {b} = {a * b}')} {things}.",), a * b, things)
    if kind == 3:
        b, value = rng.randint(2, 10), rng.randint(2, 12)
        text = (
            f"{name} shares {b * value} {things} among {b} friends. How many does each friend get?"
        )
        step = f"Each friend gets {key(f'{b * value} / {b} = {value}')} {things}."
        return Problem(text, (step,), value, things)
    if kind == 4:
        a, b = rng.randint(2, 12), rng.randint(2, 12)
        text = f"One of the {things} costs {a} dollars. How much do {b} {things} cost?"
        return Problem(
            text, (f"{b} {things} cost {key(f'{b} * {a} = {a * b}')} dollars.",), a * b, "dollars"
        )
    a, b = _small_sum(rng)
    total = a + b
    if kind == 5:
        c = rng.randint(1, total)
        text = f"{name} has {a} {things}. {upper(he)} gets {b} more and gives {c} to {other}. "
        text += f"How many {things} does {he} have now?"
        last = f"Then {he} has {key(f'{total} - {c} = {total - c}')} {things}."
        return Problem(
            text,
            (f"First {he} has {key(f'{a} + {b} = {total}')} {things}.", last),
            total - c,
            things,
        )
    a, b, price = rng.randint(8, 20), rng.randint(1, 7), rng.randint(2, 5)
    left = a - b
    text = f"{name} has {a} {things}, keeps {b} and sells the rest for {price} dollars each. "
    text += f"How many dollars does {he} make?"
    first = f"{name} sells {key(f'{a} - {b} = {left}')} {things}."
    last = f"{upper(he)} makes {key(f'{left} * {price} = {left * price}')} dollars."
    return Problem(text, (first, last), left * price, "dollars")


def upper(word: str) -> str:
    """Return the word with an upper-case letter in front."""
    return word.capitalize()


def chain(rng: Random) -> str:
    """Several problems after one another, each with its reasoning and its answer."""
    blocks: list[str] = []
    for _ in range(rng.randint(1, 3)):
        drawn = problem(rng)
        steps = " ".join(drawn.steps)
        lead = "Let's think step by step. " if rng.random() < 0.6 else ""
        blocks.append(f"Q: {drawn.question}\nA: {lead}{steps} The answer is {key(drawn.value)}.\n")
    return "\n".join(blocks)


def asked(rng: Random) -> str:
    """A problem in chat, with reasoning, or with the number only."""
    drawn = problem(rng)
    if rng.random() < 0.25:
        return chat(drawn.question, key(drawn.value), system="Answer with a number only.")
    return chat(drawn.question, f"{' '.join(drawn.steps)} The answer is {key(drawn.value)}.")


IDEAS = (
    "Read the problem and write down the numbers.",
    "Find out which operation is needed.",
    "Write down what is known and what is asked.",
)


def tree(rng: Random) -> str:
    """Steps in chat, with or without ratings between them, and the final answer."""
    drawn = problem(rng)
    asks = f"Solve the problem step by step.\nProblem: {drawn.question}"
    if rng.random() < 0.6:
        asks += "\n"
    steps = list(drawn.steps)
    if rng.random() < 0.5:
        steps.insert(0, rng.choice(IDEAS))
    while len(steps) < 2:
        steps.append(f"So the answer is {key(drawn.value)}.")
    said = [f"Step {n}: {step}" for n, step in enumerate(steps, 1)]
    rated = rng.random() < 0.4
    if rated:
        said = said[: rng.randint(1, len(said))]
    if rng.random() < 0.6:
        told = turn("user", asks) + "".join(turn("assistant", step) for step in said)
    else:
        told = turn("user", asks) + turn("assistant", pick(rng, "", "\n").join(said))
    if rated:
        score = pick(rng, 7, 8, 8, 9, 9, 10)
        return told + chat("Rate how promising the last step is, 1 to 10.", f"{score}")
    final = pick(rng, f"{drawn.value}", f"{drawn.value} {drawn.unit}.", f"{drawn.value}.")
    return told + chat("Now state the final answer only.", key(final))


def comparison(rng: Random) -> str:
    """Which number is larger, and whether a number is even."""
    a, b = rng.sample(range(1, 100), 2)
    asks, answer = pick(
        rng,
        (f"Which is larger, {a} or {b}?", f"{max(a, b)}."),
        (f"Which is smaller, {a} or {b}?", f"{min(a, b)}."),
        (f"Is {a} larger than {b}?", "Yes." if a > b else "No."),
        (f"Is {a} even?", "Yes." if a % 2 == 0 else "No."),
        (f"Is {a} odd?", "Yes." if a % 2 else "No."),
        (f"What number comes after {a}?", f"{a + 1}."),
        (f"What number comes before {a}?", f"{a - 1}."),
    )
    if rng.random() < 0.5:
        return chat(asks, key(answer))
    return f"Q: {asks}\nA: {key(answer)}\n"
