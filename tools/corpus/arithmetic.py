"""Sums, differences, products and quotients of small numbers.

More than a quarter of the pairs of two-digit addends is held out: ``held_out`` decides by the
unordered pair, and no document of any generator adds such a pair.
"""

from random import Random

from tools.corpus.text import chat, key, lines, pick

TIMES = ("*", "*", "x", "times")


def held_out(a: int, b: int) -> bool:
    """Tell whether the sum of ``a`` and ``b`` is kept for the evaluation, in either order."""
    low, high = min(a, b), max(a, b)
    return low >= 10 and high <= 99 and (low * 31 + high * 17 + low * high) % 10 == 3


def held_out_pairs() -> list[tuple[int, int]]:
    """Return every ordered pair of two-digit addends that is held out."""
    return [(a, b) for a in range(10, 100) for b in range(10, 100) if held_out(a, b)]


def addends(rng: Random) -> tuple[int, int]:
    """Draw a pair that is not held out, mostly of two digits each."""
    while True:
        low = 10 if rng.random() < 0.8 else 0
        a, b = rng.randint(low, 99), rng.randint(10 if rng.random() < 0.85 else 0, 99)
        if not held_out(a, b):
            return a, b


def fact(rng: Random) -> tuple[str, str, str, int]:
    """Draw ``a op b`` and its value, as (a, op, b, value)."""
    kind = rng.random()
    if kind < 0.62:
        a, b = addends(rng)
        return str(a), "+", str(b), a + b
    if kind < 0.82:
        a, b = rng.randint(1, 12), rng.randint(1, 12)
        return str(a), rng.choice(TIMES), str(b), a * b
    if kind < 0.94:
        a = rng.randint(1, 99)
        b = rng.randint(0, a)
        return str(a), "-", str(b), a - b
    if kind < 0.97:
        a, b = rng.randint(2, 9), rng.randint(10, 30)
        return str(a), rng.choice(TIMES), str(b), a * b
    b, value = rng.randint(1, 12), rng.randint(1, 12)
    return str(b * value), "/", str(b), value


def drill(rng: Random) -> str:
    """Dense lines ``a + b = c`` and nothing else."""
    rows: list[str] = []
    for _ in range(rng.randint(8, 16)):
        a, op, b, value = fact(rng)
        rows.append(f"{a} {op} {b} = {key(value)}")
    return "\n".join(rows) + "\n"


def sums(rng: Random) -> str:
    """Dense sums only, some of them with both orders or with neighbours."""
    rows: list[str] = []
    while len(rows) < 12:
        a, b = addends(rng)
        rows.append(f"{a} + {b} = {key(a + b)}")
        if rng.random() < 0.2:
            rows.append(f"{b} + {a} = {key(a + b)}")
    return "\n".join(rows) + "\n"


def differences(rng: Random) -> str:
    """Differences only: dense lines, question lines or chat."""
    rows: list[tuple[int, int]] = []
    while len(rows) < 10:
        a = rng.randint(1, 99)
        b = rng.randint(0, a)
        rows.append((a, b))
        if rng.random() < 0.3:
            rows.append((a, a - b))
    if rng.random() < 0.65:
        return "".join(f"{a} - {b} = {key(a - b)}\n" for a, b in rows)
    asked = [(question(rng, str(a), "-", str(b)), a, b) for a, b in rows[: rng.randint(1, 5)]]
    if rng.random() < 0.5:
        return lines((text, key(f"{a - b}.")) for text, a, b in asked)
    return chat(*(each for t, a, b in asked for each in (t, key(f"{a} - {b} = {a - b}."))))


def products(rng: Random) -> str:
    """Products up to 12 x 12, as question lines or chat."""
    pairs: list[tuple[str, str]] = []
    spoken = rng.random() < 0.6
    for _ in range(rng.randint(2, 5)):
        a, b, op = rng.randint(1, 12), rng.randint(1, 12), rng.choice(TIMES)
        answer = f"{a} {op} {b} = {a * b}." if spoken else f"{a * b}."
        pairs.append((question(rng, str(a), op, str(b)), key(answer)))
    return chat(*(text for pair in pairs for text in pair)) if spoken else lines(pairs)


def question(rng: Random, a: str, op: str, b: str) -> str:
    """Ask for a value in one of many ways."""
    body = f"{a} {op} {b}"
    words = {"+": "plus", "-": "minus", "*": "times", "x": "times", "/": "divided by"}
    if rng.random() < 0.12:
        body = f"{a} {words.get(op, op)} {b}"
    elif op in "+*-" and rng.random() < 0.08:
        body = f"{a}{op}{b}"
    forms = (
        f"What is {body}?",
        f"What is {body}?",
        f"{body}?",
        f"{body} = ?",
        f"{body} =",
        f"Compute {body}.",
        f"Calculate {body}.",
        f"How much is {body}?",
        f"What's {body}?",
        body,
    )
    return rng.choice(forms)


def asked(rng: Random) -> str:
    """Question lines."""
    pairs: list[tuple[str, str]] = []
    for _ in range(rng.randint(1, 6)):
        a, op, b, value = fact(rng)
        pairs.append((question(rng, a, op, b), key(f"{value}.")))
    return lines(pairs)


def conversation(rng: Random) -> str:
    """Chat turns; a system message may ask for the number only."""
    turns: list[str] = []
    short = rng.random() < 0.3
    for _ in range(rng.randint(1, 3)):
        a, op, b, value = fact(rng)
        full = key(f"{a} {op} {b} = {value}.")
        turns += [question(rng, a, op, b), key(value) if short else full]
    systems = ("", "", "You are a helpful assistant.", "Be brief.", "You are good at math.")
    system = pick(rng, "Answer with a number only.", "Answer in one word.", "Number only.")
    return chat(*turns, system=system if short else rng.choice(systems))
