"""Judging and sorting text: essays, debates, better answers, sentiment, yes or no, extraction."""

import json
from random import Random

from tools.corpus.arithmetic import addends
from tools.corpus.capitals import COUNTRIES
from tools.corpus.facts import CAPITALS
from tools.corpus.names import ANIMALS, CITIES, JOBS, PEOPLE
from tools.corpus.stories import body, hero
from tools.corpus.text import chat, cut, key, pick, some, turn
from tools.corpus.tips import TOPICS

JUDGE = "You are a strict but fair judge of essays."
NOTES = {
    "clarity": (
        ("The sentences are short and easy to follow.", 8),
        ("The main idea is clear from the start.", 9),
        ("Some sentences are hard to follow.", 5),
        ("The order of the ideas is clear.", 7),
        ("The essay is clear, but it jumps between ideas.", 6),
    ),
    "originality": (
        ("The ideas are common, but told in a fresh way.", 6),
        ("The essay repeats what many have said.", 4),
        ("The point of view is new and surprising.", 8),
        ("There are few new ideas.", 5),
    ),
    "evidence": (
        ("The claims are not backed by facts.", 4),
        ("There are a few examples, but no sources.", 5),
        ("Good examples support the main point.", 8),
        ("The essay needs more evidence.", 5),
    ),
    "style": (
        ("The style is simple and pleasant.", 7),
        ("The tone fits the subject well.", 8),
        ("The style is dry.", 5),
    ),
    "structure": (
        ("There is a clear beginning, middle and end.", 8),
        ("The parts do not fit together well.", 5),
        ("The structure is simple but works.", 7),
    ),
}
THINGS_GOOD = (
    "cats",
    "dogs",
    "summer",
    "winter",
    "books",
    "music",
    "tea",
    "coffee",
    "trains",
    "rain",
)
OPINIONS = ("are good for us", "teach patience", "make people happy", "bring people together")


def _essay(rng: Random) -> str:
    """Write a few sentences that argue for something."""
    kind = rng.random()
    if kind < 0.4:
        topic = rng.choice(TOPICS)
        _, sentences = rng.choice(topic.tips)
        return f"I think that {topic.purpose} matters. {' '.join(sentences)}"
    if kind < 0.55:
        return body(rng, hero(rng)[1], paragraphs=False)
    thing, other = rng.sample(THINGS_GOOD, 2)
    first, second = rng.sample(OPINIONS, 2)
    return (
        f"In my opinion, {thing} {first}. They also {second}. Some people prefer {other}, "
        f"but I do not agree. That is why we should care about {thing}."
    )


def _reviews(rng: Random) -> list[tuple[str, str, int]]:
    return [(dim, *rng.choice(NOTES[dim])) for dim in some(rng, list(NOTES), 2, 4)]


def _verdict(reviews: list[tuple[str, str, int]]) -> str:
    best = max(reviews, key=lambda review: review[2])
    worst = min(reviews, key=lambda review: review[2])
    mean = sum(score for _, _, score in reviews) / len(reviews)
    grade = "A" if mean >= 8 else "B" if mean >= 6.5 else "C" if mean >= 5 else "D"
    summary = f"The essay is strong in {best[0]} and weak in {worst[0]}."
    return json.dumps({"summary": summary, "grade": grade})


def essay(rng: Random) -> str:
    """One view of an essay with its score, or the verdict over several views."""
    told = turn("system", JUDGE) + turn("user", f"Here is an essay.\n\n{_essay(rng)}")
    if rng.random() < 0.6:
        dim = rng.choice(list(NOTES))
        note, score = rng.choice(NOTES[dim])
        return told + chat(f"Judge only its {dim}.", f"{note}\nScore: {cut(rng)}{score}")
    reviews = _reviews(rng)
    rows = "".join(f"- {dim}: {note} ({score}/10)\n" for dim, note, score in reviews)
    return told + chat(f"Reviews:\n{rows}Write the verdict as JSON.", _verdict(reviews))


MOTIONS: tuple[tuple[str, str, str], ...] = (
    ("Schools should start later.", "Students sleep more and learn better.",
     "Parents have to work, and the day gets too long."),
    ("Homework should be abolished.", "Children need time to play and to rest.",
     "Practice at home helps children remember."),
    ("Cars should be banned from cities.", "The air gets cleaner and streets become safe.",
     "Many people need a car to get to work."),
    ("Everyone should learn to program.", "It teaches clear thinking and helps in many jobs.",
     "Not everyone needs it, and other skills matter more."),
    ("Zoos should be closed.", "Wild animals should live free.",
     "Zoos protect rare animals and teach visitors."),
    ("Cats are better than dogs.", "Cats are quiet, clean and need little care.",
     "Dogs are loyal and keep us moving."),
    ("Tea is better than coffee.", "Tea is mild and calms the mind.",
     "Coffee tastes rich and wakes us up."),
    ("We should work four days a week.", "People rest more and work better.",
     "Some work cannot wait, and costs would rise."),
    ("Television is bad for children.", "Children move less when they watch.",
     "Good shows teach children about the world."),
    ("Robots will make life better.", "They do hard and dangerous work for us.",
     "They may take away jobs."),
    ("Summer is better than winter.", "The days are long and warm.", "Winter has snow and quiet."),
    ("Books are better than films.", "Books leave room for imagination.",
     "Films show what words cannot."),
)  # fmt: skip


def debate(rng: Random) -> str:
    """Speak for, speak against, or name the winner."""
    motion, pro, con = rng.choice(MOTIONS)
    if rng.random() < 0.3:
        a, b = rng.sample(THINGS_GOOD, 2)
        motion = f"{a.capitalize()} or {b}: {a} win."
        pro, con = f"Most people like {a} more.", f"There is much to say for {b}."
    if rng.random() < 0.3:
        motion = motion.rstrip(".")
    system = pick(rng, "Be brief and polite.", "Be brief and polite.", "", "Be brief.")
    told = (turn("system", system) if system else "") + turn("user", motion)
    kind = rng.random()
    if kind < 0.3:
        return told + turn("assistant", f"For: {pro}")
    if kind < 0.6:
        return told + turn("assistant", f"Against: {con}")
    winner, sure = pick(rng, "pro", "con"), pick(rng, 60, 65, 70, 75, 80, 85, 90)
    asked = f"Pro said: {pro}\nCon said: {con}\nWho won?"
    if rng.random() < 0.5:
        asked = f"Pro said:  {pro}\nCon said:  {con}\nWho won?"
    return told + chat(asked, f"The winner is {cut(rng)}{winner}, {sure}% sure.")


def better(rng: Random) -> str:
    """Which of two answers is right."""
    if rng.random() < 0.5:
        country, other = rng.sample(COUNTRIES, 2)
        asked = f"What is the capital of {country}?"
        right, wrong = CAPITALS[country], CAPITALS[other]
    else:
        a, b = addends(rng)
        asked, right = f"What is {a} + {b}?", str(a + b)
        wrong = str(a + b + pick(rng, -10, -2, -1, 1, 2, 10))
    first = rng.random() < 0.5
    pair = (right, wrong) if first else (wrong, right)
    text = f"Question: {asked}\nAnswer A: {pair[0]}\nAnswer B: {pair[1]}\n"
    letter = key("A" if first else "B")
    if rng.random() < 0.4:
        return f"{text}Better answer: {cut(rng)}{letter}\n"
    return chat(f"{text}Which answer is better, A or B?", letter)


MOODS = {
    "positive": (
        "I love this {}!", "The {} was great.", "What a wonderful {}.", "This {} is excellent.",
        "I am very happy with the {}.", "The best {} I ever had.", "The {} works perfectly.",
        "I enjoyed the {} a lot.", "A beautiful {}, thank you!", "The {} was fantastic.",
    ),
    "negative": (
        "I hate this {}.", "The {} was terrible.", "What an awful {}.", "This {} is broken.",
        "I am very unhappy with the {}.", "The worst {} I ever had.", "The {} does not work.",
        "I want my money back for this {}.", "The {} was boring.", "A bad {}, never again.",
    ),
    "neutral": (
        "The {} is on the table.", "I bought a {} on Monday.", "The {} is blue.", "This is a {}.",
        "The {} arrived today.", "There is a {} in the box.", "The {} costs ten dollars.",
    ),
}  # fmt: skip
GOODS = (
    "movie", "book", "phone", "meal", "song", "hotel", "camera", "game", "restaurant", "shirt",
    "car", "product", "service", "film", "chair", "trip", "laptop", "show", "coffee", "bike",
)  # fmt: skip


def sentiment(rng: Random) -> str:
    """Positive, negative or neutral."""
    rows: list[tuple[str, str]] = []
    for _ in range(rng.randint(1, 4)):
        mood = pick(rng, "positive", "negative", "positive", "negative", "neutral")
        rows.append((rng.choice(MOODS[mood]).format(rng.choice(GOODS)), mood))
    gap = cut(rng)
    if rng.random() < 0.4:
        head = pick(rng, "Review", "Text")
        return "\n".join(f"{head}: {t}\nSentiment: {gap}{key(m)}\n" for t, m in rows)
    text, mood = rows[0]
    asked = pick(
        rng,
        f"Is the sentiment of this text positive, negative or neutral?\n{text}",
        f"Classify the sentiment as positive, negative or neutral: {text}",
        f"What is the sentiment of this review: {text}",
        f"Classify the sentiment: {text}",
        f"Is this review positive or negative? {text}",
    )
    answer = mood if rng.random() < 0.5 else f"{mood.capitalize()}."
    return chat(asked, key(answer))


YES_NO: tuple[tuple[str, bool], ...] = (
    ("Is the sky blue?", True), ("Is grass red?", False), ("Is snow cold?", True),
    ("Is fire cold?", False), ("Is water wet?", True), ("Is ice hot?", False),
    ("Is the Sun a star?", True), ("Is the Moon a star?", False), ("Is the Earth flat?", False),
    ("Is the Earth round?", True), ("Can birds fly?", True), ("Can pigs fly?", False),
    ("Can fish swim?", True), ("Can dogs talk?", False), ("Do cats bark?", False),
    ("Do dogs bark?", True), ("Is a whale a fish?", False), ("Is a whale a mammal?", True),
    ("Is a tomato a fruit?", True), ("Is a carrot a fruit?", False), ("Is gold a metal?", True),
    ("Is wood a metal?", False), ("Is Paris in France?", True), ("Is Berlin in France?", False),
    ("Is Tokyo in Japan?", True), ("Is London in Italy?", False), ("Is 7 a prime number?", True),
    ("Is 9 a prime number?", False), ("Do we need water to live?", True),
    ("Is sugar sweet?", True), ("Is a lemon sweet?", False), ("Is Python a language?", True),
    ("Do spiders have six legs?", False), ("Do spiders have eight legs?", True),
    ("Is Mars a planet?", True), ("Is an elephant small?", False), ("Is a mouse big?", False),
    ("Is winter cold?", True), ("Does the Sun rise in the east?", True),
    ("Does the Sun rise in the west?", False), ("Is Africa a continent?", True),
    ("Is Brazil a continent?", False), ("Can humans breathe under water?", False),
)  # fmt: skip


def yes_no(rng: Random) -> str:
    """Questions with yes or no for an answer."""
    system = pick(rng, "", "Answer yes or no.", "Answer with yes or no.")
    rows = some(rng, YES_NO, 1, 4)
    if system == "" and rng.random() < 0.5:
        return "".join(f"Q: {q}\nA: {key('Yes.' if a else 'No.')}\n" for q, a in rows)
    turns: list[str] = []
    for asked, answer in rows:
        tail = " Answer yes or no." if rng.random() < 0.2 else ""
        turns += [asked + tail, key("Yes." if answer else "No.")]
    return chat(*turns, system=system)


def extraction(rng: Random) -> str:
    """A name, an age, a city and a job from a sentence, as JSON."""
    name, city, job = rng.choice(PEOPLE), rng.choice(CITIES), rng.choice(JOBS)
    age, animal = rng.randint(5, 95), rng.choice(ANIMALS)
    text = pick(
        rng,
        f"{name} is {age} years old and lives in {city}.",
        f"My name is {name}, I am {age} and I live in {city}.",
        f"{name}, {age}, is a {job} from {city}.",
        f"In {city} lives {name}, a {job} who is {age} years old.",
        f"{name} from {city} is {age} and has a {animal}.",
        f"{name} works as a {job} in {city} and turned {age} today.",
    )
    fields: dict[str, object] = {"name": name, "age": age, "city": city}
    if f"a {job}" in text and rng.random() < 0.3:
        fields["job"] = job
    if rng.random() < 0.2:
        del fields["age"]
    names = ", ".join(fields)
    reply = key(json.dumps(fields))
    style = rng.random()
    if style < 0.3:
        return f"Text: {text}\nJSON: {cut(rng)}{reply}\n"
    asked = pick(
        rng,
        f"Extract the {names} as JSON: {text}",
        f"Extract {names} from this text as JSON.\n{text}",
        f"{text}\nGive me the {names} as JSON.",
        f"Extract the person from this sentence as JSON with the keys {names}.\n{text}",
    )
    if style < 0.45:
        return f"{asked}\n{reply}\n"
    if style < 0.6:
        who = pick(
        rng,
            ("Who is the person?", name), ("How old is the person?", str(age)),
            ("Which city is named?", city),
        )  # fmt: skip
        return chat(f"{text}\n{who[0]}", key(f"{who[1]}."))
    return chat(asked, reply)
