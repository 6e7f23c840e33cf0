"""Questions about capitals, in many phrasings and layouts."""

from random import Random

from tools.corpus.facts import CAPITALS, FACTS
from tools.corpus.text import chat, key, lines, pick, some, upper_first

COUNTRIES = tuple(CAPITALS)

QUESTIONS = (
    "What is the capital of {}?",
    "What is the capital of {}?",
    "What is the capital of {}?",
    "Capital of {}?",
    "Capital of {}?",
    "The capital of {}?",
    "capital of {}",
    "what is the capital of {}",
    "What is the capital city of {}?",
    "What's the capital of {}?",
    "Which city is the capital of {}?",
    "Name the capital of {}.",
    "Tell me the capital of {}.",
    "Do you know the capital of {}?",
    "What city is the capital of {}?",
    "Please tell me the capital of {}.",
)


def _article(country: str, rng: Random) -> str:
    """Drop the article of the name now and then, as people do."""
    return country.removeprefix("the ") if rng.random() < 0.3 else country


def question(rng: Random, country: str) -> str:
    """Ask for the capital of ``country``."""
    return rng.choice(QUESTIONS).format(_article(country, rng))


def _dot(capital: str) -> str:
    return capital if capital.endswith(".") else f"{capital}."


def sentence(country: str) -> str:
    """State the capital of ``country``."""
    return f"The capital of {key(f'{country} is {_dot(CAPITALS[country])}')}"


def _pair(rng: Random, country: str) -> tuple[str, str]:
    return question(rng, country), key(_dot(CAPITALS[country]))


def drill(rng: Random) -> str:
    """Several question lines, in one phrasing or in many."""
    countries = some(rng, COUNTRIES, 1, 8)
    if rng.random() < 0.5:
        asked = rng.choice(QUESTIONS)
        return lines((asked.format(c), key(_dot(CAPITALS[c]))) for c in countries)
    return lines(_pair(rng, country) for country in countries)


def statement(rng: Random) -> str:
    """Sentences and short lists."""
    countries = some(rng, COUNTRIES, 2, 7)
    style = rng.random()
    if style < 0.4:
        return " ".join(sentence(country) for country in countries) + "\n"
    if style < 0.7:
        return "".join(f"{upper_first(c)}: {key(CAPITALS[c])}\n" for c in countries)
    return "".join(f"{key(CAPITALS[c])} is the capital of {key(c)}.\n" for c in countries)


def conversation(rng: Random) -> str:
    """Chat turns; the system message, if any, sets the length of the answers."""
    countries = some(rng, COUNTRIES, 1, 4)
    turns: list[str] = []
    style = rng.random()
    if style < 0.3:
        system = pick(rng, "Answer in one word.", "Answer with the name only.", "One word only.")
        for country in countries:
            turns += [question(rng, country), key(CAPITALS[country])]
        return chat(*turns, system=system)
    for n, country in enumerate(countries):
        short = n > 0 and rng.random() < 0.4
        name = _article(country, rng)
        asked = pick(rng, f"And {name}?", f"And of {name}?", f"What about {name}?")
        turns += [asked if short else question(rng, country), sentence(country)]
    systems = ("", "", "", "You are a helpful assistant.", "Be brief.", "You know geography well.")
    return chat(*turns, system=rng.choice(systems))


def reverse(rng: Random) -> str:
    """From the capital to the country, and yes or no."""
    country, other = rng.sample(COUNTRIES, 2)
    capital = CAPITALS[country]
    pairs = [
        (f"Which country has the capital {capital}?", key(f"{upper_first(country)}.")),
        (f"{capital} is the capital of which country?", key(f"{upper_first(country)}.")),
        (f"Is {capital} the capital of {country}?", key("Yes.")),
        (f"Is {capital} the capital of {other}?", f"{key('No.')} {sentence(other)}"),
    ]
    asked = some(rng, pairs, 1, 3)
    if rng.random() < 0.5:
        return lines(asked)
    return chat(*(text for pair in asked for text in pair))


def fact(rng: Random) -> str:
    """Common questions other than capitals, often next to one about a capital."""
    pairs = [(q, key(a)) for q, a in some(rng, FACTS, 1, 4)]
    if rng.random() < 0.5:
        pairs.insert(rng.randrange(len(pairs) + 1), _pair(rng, rng.choice(COUNTRIES)))
    if rng.random() < 0.6:
        return lines(pairs)
    return chat(*(text for pair in pairs for text in pair))
