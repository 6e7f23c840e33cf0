"""Short stories for children, grown from a small grammar; the subject is kept to the end."""

from random import Random
from typing import NamedTuple

from tools.corpus.names import ANIMALS, BOYS, GIRLS
from tools.corpus.text import article, chat, key, pick, upper_first

TRAITS = (
    "little",
    "brave",
    "curious",
    "shy",
    "clever",
    "lonely",
    "cheerful",
    "old",
    "young",
    "lazy",
)
PLACES = (
    "in a quiet forest", "near a blue lake", "in a small village", "on a green hill", "by the sea",
    "in a big city", "in an old castle", "on a farm", "under a tall oak tree", "on an island",
)  # fmt: skip
LOST = (
    "a golden key", "a red kite", "a silver bell", "a tiny star", "an old map", "a shiny stone",
    "a warm scarf", "a music box", "a strange egg", "a blue button", "a wooden boat", "a lamp",
)  # fmt: skip
SPOTS = (
    "behind a rock", "under the leaves", "in a hollow tree", "at the bottom of the garden",
    "beside the river", "under the bridge", "on top of the hill", "in a dusty box",
)  # fmt: skip
HELPERS = (
    "a wise owl",
    "a kind fox",
    "an old turtle",
    "a friendly mouse",
    "a small bird",
    "a frog",
)
LESSONS = (
    "a friend is worth more than gold", "it is good to ask for help", "being kind is never wrong",
    "small steps lead far", "being brave means going on when you are afraid",
    "sharing makes everything better", "patience pays", "telling the truth feels good",
)  # fmt: skip


class Hero(NamedTuple):
    """Whom a story is about: how it is introduced, called later, and its pronouns."""

    intro: str
    later: str
    he: str
    his: str
    him: str


def hero(rng: Random) -> tuple[str, Hero]:
    """Return a subject to ask for, and the hero of its story."""
    trait = rng.choice(TRAITS)
    kind = rng.random()
    if kind < 0.55:
        animal = rng.choice(ANIMALS)
        name = rng.choice(GIRLS + BOYS)
        he, his, him = ("she", "her", "her") if name in GIRLS else ("he", "his", "him")
        if rng.random() < 0.5:
            subject = article(f"{trait} {animal}")
            return subject, Hero(f"{subject} named {name}", name, he, his, him)
        subject = article(animal)
        intro = f"{article(f'{trait} {animal}')} named {name}"
        return subject, Hero(intro, name, he, his, him)
    if kind < 0.8:
        name = rng.choice(GIRLS)
        return pick(rng, f"a girl named {name}", "a girl", name), Hero(
            f"a {trait if trait != 'old' else 'clever'} girl named {name}",
            name,
            "she",
            "her",
            "her",
        )
    if kind < 0.9:
        subject = "a robot"
        return subject, Hero(
            f"a {trait} robot named Bip".replace("a old", "an old"), "Bip", "it", "its", "it"
        )
    name = rng.choice(BOYS)
    return pick(rng, f"a boy named {name}", "a boy", name), Hero(
        f"a {trait if trait != 'old' else 'clever'} boy named {name}", name, "he", "his", "him"
    )


def _start(rng: Random, who: Hero) -> str:
    place = rng.choice(PLACES)
    first = pick(
        rng,
        f"Once upon a time, there was {who.intro} who lived {place}.",
        f"Once upon a time, {who.intro} lived {place}.",
        f"There once was {who.intro} who lived {place}.",
    )
    second = pick(
        rng,
        f" {upper_first(who.he)} loved to explore and to ask questions.",
        f" Every morning, {who.later} went for a walk.",
        f" {who.later} had many dreams but few friends.",
        "",
    )
    return first + second


def _middle(rng: Random, who: Hero) -> str:
    thing, spot, helper = rng.choice(LOST), rng.choice(SPOTS), rng.choice(HELPERS)
    noun = thing.split(" ", 1)[1]
    problems = (
        f"One day, {who.later} found {thing} {spot}. {upper_first(who.he)} wondered who had lost "
        f"it. {upper_first(who.he)} asked everyone, but nobody knew. At last {who.he} met "
        f'{helper}. "That is mine," it said, and thanked {who.him} for bringing the {noun} back.',
        f"One day, {who.later} lost {thing}. {upper_first(who.he)} looked everywhere and felt very "
        f'sad. Then {who.he} met {helper}. "I will help you," it said. Together they found the '
        f"{noun} {spot}.",
        f"One evening, a great storm came and {who.later} was afraid. {upper_first(who.he)} heard "
        f"a voice {spot}. It was {helper}, cold and wet. {who.later} shared {who.his} blanket, and "
        "they waited until the sun came back.",
        f"One day, {who.later} wanted to learn how to sing. {upper_first(who.he)} tried and tried, "
        f"but it did not sound right. {upper_first(helper)} heard {who.him} and said, "
        f'"Practice a little every day." {who.later} did, and soon everyone stopped to listen.',
        f"One day, {who.later} saw {helper} that was stuck {spot}. {upper_first(who.he)} was not "
        f"strong, but {who.he} had an idea. {upper_first(who.he)} called all {who.his} neighbors, "
        "and together they pulled until it was free.",
        f"One night, {who.later} saw {thing} shining {spot}. {upper_first(who.he)} followed the "
        f'light and found {helper}. "I have waited for you," it said, and gave {who.him} '
        f"the {noun}.",
    )
    return rng.choice(problems)


def _end(rng: Random, who: Hero) -> str:
    lesson = rng.choice(LESSONS)
    return pick(
        rng,
        f"From that day on, {who.later} knew that {lesson}.",
        f"{who.later} learned that {lesson}.",
        f"They became best friends, and {who.later} was never alone again.",
        f"{who.later} went home happy and slept well that night.",
        f"And so {who.later} learned that {lesson}. The end.",
    )


def body(rng: Random, who: Hero, *, paragraphs: bool) -> str:
    """Tell a story about ``who`` in three parts."""
    gap = "\n\n" if paragraphs else " "
    return gap.join((_start(rng, who), _middle(rng, who), _end(rng, who)))


def story(rng: Random) -> str:
    """A story: asked for in chat, under a heading, or told at once."""
    subject, who = hero(rng)
    told = body(rng, who, paragraphs=rng.random() < 0.3).replace(subject, key(subject), 1)
    style = rng.random()
    if style < 0.25:
        return f"{told}\n"
    if style < 0.35:
        return f"Write a short story about {subject}.\n\n{told}\n"
    asked = pick(
        rng,
        f"Tell me a story about {subject}.",
        f"Write a story about {subject}.",
        f"Write a short story about {subject}.",
        f"Tell me a short story about {subject}.",
        f"Can you tell me a story about {subject}?",
        f"Please write a story about {subject}.",
        "Tell me a story.",
        "Write a short story.",
    )
    if rng.random() < 0.2:
        return chat(asked, told, *follow_up(rng, who))
    return chat(asked, told)


def follow_up(rng: Random, who: Hero) -> tuple[str, str]:
    """Ask about the story just told."""
    return pick(
        rng,
        ("Thank you!", f"You are welcome! I am glad you liked the story of {who.later}."),
        ("Who is the story about?", f"It is about {who.later}."),
        ("What is the title?", f"The Story of {who.later}."),
        ("Give it a title.", f"The Story of {who.later}."),
    )


def opening(rng: Random) -> str:
    """One or two sentences only, when that is what was asked for."""
    subject, who = hero(rng)
    lesson = rng.choice(LESSONS)
    asked = pick(
        rng,
        f"Write one sentence about {subject}.",
        f"Describe {subject} in one sentence.",
        f"Write a sentence about {subject}.",
    )
    return chat(
        asked, f"{upper_first(who.intro)} lived {rng.choice(PLACES)} and knew that {lesson}."
    )
