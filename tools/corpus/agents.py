"""Agents that search, read documents or fix bugs: ReAct text, cited answers, JSON steps."""

import json
from random import Random

from tools.corpus.capitals import COUNTRIES
from tools.corpus.capitals import question as ask_capital
from tools.corpus.facts import CAPITALS
from tools.corpus.names import CITIES, JOBS, PEOPLE
from tools.corpus.text import chat, cut, key, pick, some, turn, upper_first

FILES = (
    "app.py", "main.py", "utils.py", "parser.py", "math.py", "cart.py", "user.py", "store.py",
    "api.py", "date.py", "a.py", "calc.py", "list.py", "server.py", "config.py", "price.py",
)  # fmt: skip
BUGS = (
    ("adds the tax twice", "remove the second tax"),
    ("returns the wrong sum", "use + instead of -"),
    ("fails on an empty list", "check for an empty list"),
    ("skips the last item", "fix the range of the loop"),
    ("crashes when the name is missing", "give the name a default"),
    ("divides by zero", "check for zero first"),
    ("reads the wrong key", "use the right key"),
    ("never closes the file", "use a with statement"),
)
FIX_SYSTEM = (
    "You fix bugs. Reply with one step as JSON, "
    'e.g. {"thought": "...", "tool": "read_file", "input": "a.py"}'
)


def _topic(rng: Random) -> tuple[str, str, str, str, str]:
    """Return a question, search words, an observation, an answer and the observation's title."""
    kind = rng.random()
    if kind < 0.4:
        country = rng.choice(COUNTRIES)
        capital = CAPITALS[country]
        seen = pick(
            rng,
            f"{capital} is the capital of {country}.",
            f"The capital of {country} is {capital}.",
            f"{upper_first(country)} is a country. Its capital is {capital}.",
        )
        name = country.removeprefix("the ")
        return ask_capital(rng, country), f"capital of {name}", seen, capital, upper_first(name)
    name, job, city = rng.choice(PEOPLE), rng.choice(JOBS), rng.choice(CITIES)
    year = rng.randint(1850, 2020)
    count = rng.randint(2, 99)
    full = f"{name} {rng.choice('ABCDEGHKLMNPRSTW')}."
    questions = (
        (f"When was {full} born?", f"{full} was a {job}, born in {year} in {city}.", f"{year}"),
        (f"Where was {full} born?", f"{full} was a {job}, born in {year} in {city}.", city),
        (f"What is the job of {full}?", f"{full} works as a {job} in {city}.", job),
        (f"Where does {full} work?", f"{full} works as a {job} in {city}.", city),
        (f"Where does {full} live?", f"{full} is a {job} who lives in {city}.", city),
    )
    towns = (
        (f"When was the {city} bridge built?", f"The {city} bridge was built in {year}.",
         f"{year}"),
        (f"How long is the {city} bridge?", f"The {city} bridge is {count} meters long.",
         f"{count} meters"),
        (f"When did the {city} museum open?", f"The {city} museum opened in {year}.", f"{year}"),
    )  # fmt: skip
    if kind < 0.75:
        asked, seen, answer = rng.choice(questions)
        return asked, full.rstrip("."), seen, answer, full.rstrip(".")
    asked, seen, answer = rng.choice(towns)
    thing = f"{city} museum" if "museum" in asked else f"{city} bridge"
    return asked, thing, seen, answer, upper_first(thing)


def react(rng: Random) -> str:
    """Thought, action, observation, until the answer is known."""
    asked, words, seen, answer, _ = _topic(rng)
    gap = cut(rng)
    rows = [
        f"Question: {asked}",
        f"Thought 1: I need to search for {key(words)}.",
        f"Action 1: {gap}{key('Search')}[{key(words)}]",
    ]
    if rng.random() < 0.12:
        rows += [
            "Observation 1: nothing found",
            "Thought 2: I found nothing, but I can answer with what I know.",
        ]
        if asked.lower().find("capital") < 0:
            answer = "unknown"
    else:
        more = " " + _topic(rng)[2] if rng.random() < 0.3 else ""
        rows += [
            f"Observation 1: {seen}{more}",
            f"Thought 2: Now I know that the answer is {answer}.",
        ]
    rows += [f"Action 2: {gap}{key('Finish')}[{key(answer)}]"]
    return "\n".join(rows) + "\n"


def cited(rng: Random) -> str:
    """An answer from numbered documents, as JSON with its sources."""
    topics = [_topic(rng) for _ in range(rng.randint(1, 4))]
    chosen = rng.randrange(len(topics))
    asked, _, _, answer, _ = topics[chosen]
    body = "".join(f"[{i}] {topic[4]}\n{topic[2]}\n\n" for i, topic in enumerate(topics))
    reply = json.dumps({"answer": f"{answer}", "sources": [chosen]})
    if rng.random() < 0.1:
        asked = f"Who is the mayor of {rng.choice(CITIES)}?"
        reply = json.dumps({"answer": "The documents do not say.", "sources": []})
    system = "Answer only from the documents. Cite them by number."
    return chat(f"{body}Question: {asked}", key(reply), system=system)


def sources(rng: Random) -> str:
    """Several questions on the same numbered documents."""
    topics = [_topic(rng) for _ in range(rng.randint(2, 3))]
    body = "".join(f"[{i}] {topic[4]}\n{topic[2]}\n\n" for i, topic in enumerate(topics))
    turns: list[str] = []
    for _ in range(rng.randint(1, 3)):
        chosen = rng.randrange(len(topics))
        asked, _, _, answer, _ = topics[chosen]
        reply = f'{{"answer": "{key(answer)}", "sources": [{key(chosen)}]}}'
        turns += [f"{'' if turns else body}Question: {asked}", reply]
    return chat(*turns, system="Answer only from the documents. Cite them by number.")


def _read_back(rng: Random) -> str:
    """A short passage and a question about it."""
    topics = [_topic(rng) for _ in range(rng.randint(1, 3))]
    asked, _, _, answer, _ = rng.choice(topics)
    return chat(f"{' '.join(topic[2] for topic in topics)}\n{asked}", key(f"{answer}."))


def reading(rng: Random) -> str:
    """A passage with a question in chat, or as text."""
    if rng.random() < 0.6:
        return _read_back(rng)
    topics = [_topic(rng) for _ in range(rng.randint(1, 3))]
    passage = " ".join(topic[2] for topic in topics)
    pairs = "".join(f"Q: {t[0]}\nA: {key(t[3] + '.')}\n" for t in some(rng, topics, 1, 2))
    return f"{passage}\n{pairs}"


def _step(thought: str, tool: str, given: str) -> str:
    return json.dumps({"thought": thought, "tool": tool, "input": given})


def fixing(rng: Random) -> str:
    """An agent that reads a file, runs the tests, and reports."""
    name = rng.choice(FILES)
    bug, cure = rng.choice(BUGS)
    task = pick(
        rng,
        f"The function in {name} {bug}.",
        f"Fix the bug in {name}.",
        f"{name} {bug}. Fix it.",
        f"The tests of {name} fail.",
        f"Please fix {name}: it {bug}.",
    )
    steps = [
        ("read_file", _step(f"I should look at {name} first.", "read_file", name)),
        ("run_tests", _step("Now I run the tests to see what fails.", "run_tests", "")),
        ("done", _step(f"I know the cause: {cure}.", "done", "")),
    ]
    results = {
        "read_file": pick(rng, "def run(x):\n    return x - 1", "def total(items):\n    pass",
                                 "no such file", "x = 1"),
        "run_tests": pick(rng, "1 failed, 3 passed", "all tests passed", "2 failed", "FAILED"),
    }  # fmt: skip
    told = turn("system", FIX_SYSTEM) + turn("user", task)
    for tool, step in steps:
        told += turn("assistant", step.replace(name, key(name)))
        if tool in results:
            told += turn("tool", results[tool])
    report = f"I looked at {name} and ran the tests. To fix it, {cure}."
    return told + turn("assistant", report)
