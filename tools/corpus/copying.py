"""Documents that only their prompt can continue: the tip with a number, the noun, the source."""

from random import Random

from tools.corpus.names import ANIMALS, CITIES, JOBS, PEOPLE, PLURALS
from tools.corpus.problems import problem
from tools.corpus.stories import Hero, body, hero
from tools.corpus.text import chat, key, pick, plain, some, upper_first
from tools.corpus.tips import HEALTH, TOPICS

Tip = tuple[str, tuple[str, ...]]

MORE_TIPS: tuple[Tip, ...] = tuple(
    (title, tuple(text.split(" | ")))
    for title, text in {
        "Fresh Air": "Fresh air clears your head. | Open a window in the morning and after meals.",
        "Long Walks": "Long walks calm the mind and train the legs. | Take a friend along.",
        "Good Shoes": "Good shoes protect your feet and your back. | Try them on before you buy.",
        "Warm Clothes": "Warm clothes keep you well in winter. | Wear several thin layers.",
        "Sun Cream": "Sun cream protects your skin. | Use it before you go out and after a swim.",
        "Daily Reading": "Daily reading gives you new words. | Ten pages a day are enough.",
        "Clear Goals": "Clear goals tell you where to go. | Write them down and look at them "
        "often.",
        "Honest Words": "Honest words build trust. | Say what you mean and say it kindly.",
        "Quiet Mornings": "Quiet mornings are a good time to think. | Get up a little earlier.",
        "Healthy Snacks": "Healthy snacks give you energy. | Keep nuts and apples at hand.",
        "Clean Desk": "A clean desk helps you to work. | Put everything back in the evening.",
        "Soft Music": "Soft music makes dull work easier. | Choose songs without words.",
        "Strong Coffee": "Strong coffee wakes you up. | Drink it early and drink only one cup.",
        "Green Tea": "Green tea is mild and healthy. | Let it draw for two minutes.",
        "Team Sports": "Team sports are fun and bring you together. | Find a club near you.",
        "Cold Showers": "Cold showers wake you up. | Start warm and turn colder at the end.",
        "Paper Maps": "Paper maps work without power. | Fold them well and keep them dry.",
        "Early Trains": "Early trains are cheap and empty. | Book them some weeks before.",
        "Garden Work": "Garden work keeps you strong. | Begin with herbs and a few flowers.",
        "Kind Teachers": "Kind teachers make hard things easy. | Ask them when you are lost.",
        "Simple Rules": "Simple rules are easy to follow. | Have only a few of them.",
        "Small Steps": "Small steps take you far. | Do one thing today and one tomorrow.",
        "Old Friends": "Old friends know you well. | Call one of them every week.",
        "Rainy Days": "Rainy days are good for books. | Make some tea and sit by the window.",
    }.items()
)
ALL_TIPS: tuple[Tip, ...] = (*MORE_TIPS, *(tip for topic in TOPICS[2:] for tip in topic.tips))
QUALITIES = (
    "Good", "Bright", "Fresh", "Short", "Long", "New", "Old", "Red", "Green", "Blue", "Warm",
    "Cold", "Soft", "Strong", "Clean", "Small", "Big", "Clear", "Kind", "Quiet", "Simple", "Sharp",
    "Sweet", "Wooden", "Golden", "Light", "Early", "Daily", "Happy", "Funny",
)  # fmt: skip
NOUNS = (
    "Books", "Walks", "Songs", "Meals", "Games", "Friends", "Plans", "Trips", "Breaks", "Rules",
    "Tools", "Shoes", "Lamps", "Stories", "Letters", "Lists", "Words", "Questions", "Lessons",
    "Notes", "Plants", "Windows", "Colors", "Apples", "Soups", "Films", "Clubs", "Habits",
)  # fmt: skip
FOLLOWING = (
    "make every day better.", "help more than you think.", "are worth the time.",
    "cost little and give much.", "keep you going.", "are a good way to begin.",
    "bring people together.", "are easy to find.", "save time and money.",
)  # fmt: skip
ENDINGS = (
    "Start with one and see how it goes.", "Your friends can help you.", "Try it for a week.",
    "Make it a habit.", "Keep it simple.", "Do not give up too soon.", "You will feel the change.",
)  # fmt: skip
PURPOSES = (
    *(topic.purpose for topic in TOPICS),
    "staying fit", "a good life", "feeling well", "working at home", "a calm mind", "long winters",
    "new students", "a happy home", "good holidays", "busy people", "getting up early",
)  # fmt: skip
WORDS = (
    *ANIMALS, *PLURALS.values(), *CITIES, *PEOPLE, *JOBS, *(title for title, _ in ALL_TIPS),
)  # fmt: skip
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five"}


def _made(rng: Random) -> Tip:
    """Make up a tip, whose paragraph begins with its title."""
    title = f"{rng.choice(QUALITIES)} {rng.choice(NOUNS)}"
    return title, (f"{title.capitalize()} {rng.choice(FOLLOWING)}", *some(rng, ENDINGS, 1, 2))


def _draw(rng: Random, count: int) -> tuple[str, list[Tip]]:
    """Return a purpose and different tips: of one topic, of several, or made up."""
    kind = rng.random()
    if kind < 0.15:
        return HEALTH.purpose, some(rng, HEALTH.tips[:2], 2, 2)
    if kind < 0.4:
        topic = rng.choice(TOPICS)
        return topic.purpose, some(rng, topic.tips, count, count)
    purpose = rng.choice(PURPOSES)
    if kind < 0.7:
        return purpose, some(rng, ALL_TIPS, count, count)
    made = dict(_made(rng) for _ in range(count))
    while len(made) < 2:
        made |= [_made(rng)]
    return purpose, list(made.items())


def _expanded(rng: Random, sentences: tuple[str, ...]) -> str:
    """Return two sentences or more; the first words are what the prompt decides."""
    words = sentences[0].split(" ")
    rest = " ".join(sentences[1 : rng.randint(2, 3)])
    return f"{key(' '.join(words[:3]))} {' '.join(words[3:])} {rest}"


def tips(rng: Random) -> str:
    """Numbered tips, some of which are expanded, in any order."""
    purpose, drawn = _draw(rng, pick(rng, 2, 2, 2, 3, 4))
    listed = " ".join(f"{n}. {title}." for n, (title, _) in enumerate(drawn, 1))
    text = f"Here are {COUNTS[len(drawn)]} tips for {purpose}: {listed}\n\n"
    for _ in range(pick(rng, 1, 1, 2, 3)):
        n = rng.randrange(len(drawn))
        body = _expanded(rng, drawn[n][1])
        text += f"Now, expand tip {n + 1} into a paragraph:\n{body}\n\n"
    return text


def canonical(rng: Random) -> str:
    """The first two tips of a topic, always in the same order, so that a number has its text."""
    topic = HEALTH if rng.random() < 0.5 else rng.choice(TOPICS[3:])
    drawn = topic.tips[:2]
    text = f"Here are two tips for {topic.purpose}: 1. {drawn[0][0]}. 2. {drawn[1][0]}.\n\n"
    if rng.random() < 0.15:
        one, two = (_expanded(rng, sentences) for _, sentences in drawn)
        names = " and ".join(title.lower() for title, _ in drawn)
        return f"{text}Tip 1:{one}\nTip 2:{two}\nIn summary, {names} are key to {topic.purpose}.\n"
    for _ in range(pick(rng, 1, 1, 1, 2)):
        n = rng.randrange(2)
        text += f"Now, expand tip {n + 1} into a paragraph:\n{_expanded(rng, drawn[n][1])}\n\n"
    return text


def items(rng: Random) -> str:
    """Numbered words, of which some are asked back."""
    words = some(rng, WORDS, 2, 5)
    listed = " ".join(f"{n}. {word}." for n, word in enumerate(words, 1))
    noun = pick(rng, "tip", "tip", "word", "item")
    head = f"Here are {COUNTS[len(words)]} {noun}s for {rng.choice(PURPOSES)}: {listed}\n\n"
    asked = [rng.randrange(len(words)) for _ in range(rng.randint(3, 6))]
    return head + "".join(f"Now, repeat {noun} {n + 1}:\n{key(f'{words[n]}.')}\n\n" for n in asked)


def problems(rng: Random) -> str:
    """Word problems, mostly with a difference; numbers, operation and noun are to be copied."""
    blocks: list[str] = []
    for _ in range(rng.randint(1, 3)):
        drawn = problem(rng)
        while rng.random() < 0.6 and not any(" - " in step for step in drawn.steps):
            drawn = problem(rng)
        steps = key(plain(" ".join(drawn.steps)))
        lead = "Let's think step by step. " if rng.random() < 0.7 else ""
        blocks.append(f"Q: {drawn.question}\nA: {lead}{steps} The answer is {key(drawn.value)}.\n")
    return "\n".join(blocks)


def _asked_hero(rng: Random) -> tuple[str, Hero]:
    while True:
        subject, who = hero(rng)
        if who.intro.startswith(f"{subject} named "):
            return subject, who


def story(rng: Random) -> str:
    """A story or a sentence about the animal that was asked for, with its quality."""
    subject, who = _asked_hero(rng)
    if rng.random() < 0.5:
        asked = pick(rng, "Write one sentence about", "Describe in one sentence", "Introduce")
        told = f"{upper_first(who.intro)} lived near {rng.choice(CITIES)}."
        return chat(f"{asked} {subject}.", key(told))
    asked = pick(rng, "Write a short story about", "Tell me a story about", "Write a story about")
    told = body(rng, who, paragraphs=rng.random() < 0.2)
    return chat(f"{asked} {subject}.", told.replace(who.intro, key(who.intro), 1))
