"""Which tool a question needs, and what to give it."""

from random import Random

from tools.corpus.arithmetic import addends
from tools.corpus.facts import CAPITALS, FACTS
from tools.corpus.names import CITIES
from tools.corpus.text import chat, cut, key, pick

CALCULATOR, SEARCH = "calculator", "search engine"

_TOPICS = {
    "Who won the World Cup in {}?": "World Cup {} winner",
    "Who won the Nobel Prize in physics in {}?": "Nobel Prize physics {}",
    "What happened in {}?": "events of {}",
    "What was the best film of {}?": "best film {}",
    "Where were the Olympic Games in {}?": "Olympic Games {}",
}
_PLACES = {
    "What is the weather in {} today?": "weather {} today",
    "What is the weather in {}?": "weather {}",
    "What is the population of {}?": "population of {}",
    "How many people live in {}?": "population of {}",
    "Who is the mayor of {}?": "mayor of {}",
    "What are good restaurants in {}?": "restaurants {}",
    "How far is {} from the sea?": "{} distance to the sea",
    "What time is it in {}?": "time in {}",
    "When was {} founded?": "{} history founded",
    "Where is {}?": "{} location",
    "What is the latest news from {}?": "{} news",
}
_COUNTRY = {
    "What is the capital of {}?": "capital of {}",
    "Who is the president of {}?": "president of {}",
    "Who leads {}?": "leader of {}",
    "What language do people speak in {}?": "language of {}",
    "What is the flag of {}?": "flag of {}",
    "What is the population of {}?": "population of {}",
    "What is the largest city in {}?": "largest city {}",
}
_THINGS = (
    "Python", "Rust", "photosynthesis", "black holes", "the Eiffel Tower", "jazz", "volcanoes",
    "the Roman Empire", "electric cars", "vitamin C", "Mozart", "Shakespeare", "the Moon", "Mars",
    "Albert Einstein", "Marie Curie", "dinosaurs", "coffee", "penguins", "the Great Wall",
)  # fmt: skip
_THING = {
    "Who invented {}?": "{} inventor",
    "What is {}?": "{}",
    "Tell me about {}": "{}",
    "When was {} discovered?": "{} discovery date",
    "What is the history of {}?": "history of {}",
    "Who wrote about {}?": "{} author",
}


def _math(rng: Random) -> tuple[str, str]:
    """Return a question for the calculator and its expression."""
    op = rng.choice("++--**/")
    if op == "+":
        a, b = addends(rng)
    elif op == "/":
        b = rng.randint(2, 12)
        a = b * rng.randint(2, 30)
    else:
        a, b = rng.randint(2, 99), rng.randint(2, 99)
    if rng.random() < 0.25 and op != "+":
        a = rng.randint(100, 999)
    words = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
    spoken = pick(rng, op, op, words[op])
    if op == "*" and rng.random() < 0.2:
        spoken = "x"
    forms = [
        f"What is {a} {spoken} {b}?",
        f"What is {a} {spoken} {b}?",
        f"How much is {a} {spoken} {b}?",
        f"{a} {spoken} {b}?",
        f"Compute {a} {spoken} {b}",
        f"Calculate {a} {spoken} {b}.",
    ]
    forms += {
        "+": [f"What is the sum of {a} and {b}?", f"What do you get if you add {a} and {b}?"],
        "-": [f"What is the difference of {a} and {b}?", f"What remains of {a} less {b}?"],
        "*": [f"What is the product of {a} and {b}?", f"What is {a} multiplied by {b}?"],
        "/": [f"What is {a} over {b}?", f"How often does {b} go into {a}?"],
    }[op]
    return rng.choice(forms), f"{a} {op} {b}"


def _lookup(rng: Random) -> tuple[str, str]:
    """Return a question for the search engine and its key words."""
    kind = rng.random()
    if kind < 0.2:
        question, word = rng.choice(list(_TOPICS.items()))
        year = str(rng.randint(1950, 2024))
        return question.format(year), word.format(year)
    if kind < 0.45:
        question, word = rng.choice(list(_PLACES.items()))
        place = rng.choice(CITIES + tuple(CAPITALS.values()))
        return question.format(place), word.format(place)
    if kind < 0.75:
        question, word = rng.choice(list(_COUNTRY.items()))
        country = rng.choice(list(CAPITALS))
        return question.format(country), word.format(country)
    if kind < 0.9:
        question, word = rng.choice(list(_THING.items()))
        thing = rng.choice(_THINGS)
        return question.format(thing), word.format(thing)
    question = rng.choice(FACTS)[0]
    return question, question.rstrip("?").lower()


def _draw(rng: Random) -> tuple[str, str, str]:
    """Return a question, the tool it needs and what to give the tool."""
    if rng.random() < 0.45:
        question, expression = _math(rng)
        return question, CALCULATOR, expression
    question, word = _lookup(rng)
    return question, SEARCH, word


def _given(tool: str, argument: str) -> str:
    lead = "The math expression is" if tool == CALCULATOR else "The key word to search is"
    return f"{lead} {key(argument)}."


def sentence(rng: Random) -> str:
    """The continuation form: to answer this question, I need to use a tool."""
    question, tool, argument = _draw(rng)
    if rng.random() < 0.4:
        question = question.rstrip("?.")
    head = f"To answer this question: {question}. I need to use a "
    return f"{head}{cut(rng)}{key(tool)}. {_given(tool, argument)}\n"


def conversation(rng: Random) -> str:
    """Chat turns that ask for the tool by name."""
    question, tool, argument = _draw(rng)
    style = rng.random()
    if style < 0.3:
        system = "You have two tools: calculator and search engine. Name the tool you need."
        return chat(question, key(tool), system=system)
    if style < 0.6:
        asked = f"Which tool do you need to answer this question: {question} "
        asked += "A calculator or a search engine?"
        return chat(asked, f"{'A ' + key(tool)}. {_given(tool, argument)}")
    if style < 0.8:
        return f"Question: {question}\nTool: {key(tool)}\nInput: {key(argument)}\n"
    asked = f"Should I use a calculator or a search engine? {question}"
    return chat(asked, f"Use a {key(tool)}.")
