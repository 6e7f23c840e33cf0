"""Character cards of Harry Potter, known and invented, as JSON."""

import json
from random import Random

from tools.corpus.names import PEOPLE
from tools.corpus.text import chat, cut, key, pick

KNOWN = """
Harry Potter|Gryffindor|Half-blood|holly|phoenix feather|11|Alive|stag
Hermione Granger|Gryffindor|Muggle-born|vine|dragon heartstring|10.75|Alive|otter
Ron Weasley|Gryffindor|Pure-blood|willow|unicorn hair|14|Alive|terrier
Ginny Weasley|Gryffindor|Pure-blood|yew|phoenix feather|12.25|Alive|horse
Neville Longbottom|Gryffindor|Pure-blood|cherry|unicorn hair|13|Alive|
Luna Lovegood|Ravenclaw|Pure-blood|oak|unicorn hair|12.5|Alive|hare
Draco Malfoy|Slytherin|Pure-blood|hawthorn|unicorn hair|10|Alive|
Severus Snape|Slytherin|Half-blood|birch|dragon heartstring|13.5|Deceased|doe
Albus Dumbledore|Gryffindor|Half-blood|elder|thestral hair|15|Deceased|phoenix
Minerva McGonagall|Gryffindor|Half-blood|fir|dragon heartstring|9.5|Alive|cat
Rubeus Hagrid|Gryffindor|Half-blood|oak|dragon heartstring|16|Alive|
Sirius Black|Gryffindor|Pure-blood|chestnut|dragon heartstring|12|Deceased|dog
Remus Lupin|Gryffindor|Half-blood|cypress|unicorn hair|10.25|Deceased|wolf
Cedric Diggory|Hufflepuff|Pure-blood|ash|unicorn hair|12.25|Deceased|
Cho Chang|Ravenclaw|Half-blood|maple|unicorn hair|11.5|Alive|swan
Tom Riddle|Slytherin|Half-blood|yew|phoenix feather|13.5|Deceased|
Bellatrix Lestrange|Slytherin|Pure-blood|walnut|dragon heartstring|12.75|Deceased|
Nymphadora Tonks|Hufflepuff|Half-blood|ebony|unicorn hair|11.75|Deceased|wolf
"""
HOUSES = ("Gryffindor", "Slytherin", "Ravenclaw", "Hufflepuff")
BLOOD = ("Pure-blood", "Half-blood", "Muggle-born")
WOODS = ("oak", "holly", "willow", "vine", "yew", "elder", "ash", "maple", "cherry", "birch")
CORES = ("phoenix feather", "dragon heartstring", "unicorn hair")
SHAPES = ("otter", "stag", "owl", "fox", "hare", "swan", "cat", "wolf", "horse", "badger", "eagle")
SURNAMES = (
    "Bell", "Finch", "Marsh", "Thorne", "Wood", "Patil", "Brown", "Vane", "Abbott", "Bones", "Lake",
    "Hill", "Stone", "Reed", "Frost", "Hawk", "Rowan", "Green", "Winter", "Fields", "Smith",
)  # fmt: skip

Card = dict[str, object]


def card(row: str) -> Card:
    """Return the card of one row of ``KNOWN``."""
    name, house, blood, wood, core, length, alive, patronus = row.split("|")
    number = float(length)
    return {
        "name": name,
        "house": house,
        "blood status": blood,
        "wand": {"wood": wood, "core": core, "length": int(number) if number % 1 == 0 else number},
        "alive": alive,
        "patronus": patronus or None,
    }


CARDS = tuple(card(row) for row in KNOWN.split("\n") if row)


def invented(rng: Random) -> Card:
    """Make up a pupil."""
    fields = (
        f"{rng.choice(PEOPLE)} {rng.choice(SURNAMES)}",
        rng.choice(HOUSES),
        rng.choice(BLOOD),
        rng.choice(WOODS),
        rng.choice(CORES),
        pick(rng, "9", "9.5", "10", "10.25", "10.75", "11", "11.5", "12", "12.25", "13", "13.5"),
        pick(rng, "Alive", "Alive", "Alive", "Deceased"),
        pick(rng, *SHAPES, *SHAPES, ""),
    )
    return card("|".join(fields))


def _render(rng: Random, fields: Card) -> str:
    compact = rng.random() < 0.25
    text = json.dumps(fields, separators=(",", ":") if compact else (", ", ": "))
    return text.replace(str(fields["name"]), key(fields["name"]), 1)


def form(rng: Random) -> str:
    """A card to fill in, as text or chat."""
    fields = rng.choice(CARDS) if rng.random() < 0.6 else invented(rng)
    name = fields["name"]
    if rng.random() < 0.15:
        name = str(name).split()[0]
    said = f"{name} is a character in Harry Potter. Fill in this card:"
    if rng.random() < 0.25:
        said = f"{name} is a character in Harry Potter. Please fill in the following information."
    body = _render(rng, fields)
    if rng.random() < 0.7:
        return f"{said}\n{cut(rng)}{body}\n"
    return chat(said, body)


def asked(rng: Random) -> str:
    """Questions about one field of a known card."""
    fields = rng.choice(CARDS)
    name = fields["name"]
    pairs = [
        (f"Which house is {name} in?", f"{fields['house']}."),
        (f"What is the blood status of {name}?", f"{fields['blood status']}."),
        (f"Is {name} alive?", "Yes." if fields["alive"] == "Alive" else "No."),
        (f"Who is {name}?", f"{name} is a character in Harry Potter, in {fields['house']}."),
    ]
    if fields["patronus"]:
        pairs.append((f"What is the patronus of {name}?", f"A {fields['patronus']}."))
    question, answer = rng.choice(pairs)
    return chat(question, answer) if rng.random() < 0.5 else f"Q: {question}\nA: {answer}\n"
