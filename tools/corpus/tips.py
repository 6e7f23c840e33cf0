"""Tips on everyday topics: lists, paragraphs, summaries."""

from random import Random
from typing import NamedTuple

from tools.corpus.text import chat, key, pick, some


class Topic(NamedTuple):
    """A purpose and its tips: a title, then three sentences that expand it."""

    purpose: str
    tips: tuple[tuple[str, tuple[str, str, str]], ...]


def _topic(purpose: str, *tips: str) -> Topic:
    parsed: list[tuple[str, tuple[str, str, str]]] = []
    for tip in tips:
        title, _, rest = tip.partition(": ")
        first, second, third = rest.split(" | ")
        parsed.append((title, (first, second, third)))
    return Topic(purpose, tuple(parsed))


HEALTH = _topic(
    "staying healthy",
    "Balanced Diet: A balanced diet gives your body the nutrients it needs. | Eat plenty of "
    "fruits, vegetables, whole grains and lean protein. | Limit sugar, salt and fried food, and "
    "drink enough water.",
    "Regular Exercise: Regular exercise keeps your heart and muscles strong. | Try to move for at "
    "least thirty minutes a day, by walking, running or cycling. | It also improves your mood and "
    "helps you sleep.",
    "Enough Sleep: Good sleep lets your body and mind recover. | Go to bed at the same time every "
    "night and aim for eight hours. | Keep screens out of the bedroom.",
    "Less Stress: Stress harms your body over time. | Take breaks, breathe slowly and talk to your "
    "friends. | A short walk outside can calm your mind.",
    "Clean Hands: Clean hands stop many germs. | Wash them with soap before you eat and when you "
    "come home. | Take your time and rinse them well.",
    "Drink Water: Water carries nutrients through your body. | Drink a glass with each meal and "
    "more when it is hot. | Choose water instead of sweet drinks.",
)
TOPICS = (
    HEALTH,
    HEALTH,
    HEALTH,
    _topic(
        "learning a language",
        "Practice Daily: A little practice every day is better than a lot once a week. | Fifteen "
        "minutes are enough to remember new words. | Keep a small notebook with you.",
        "Speak Early: Speaking makes you use what you know. | Find a partner and talk about your "
        "day. | Do not be afraid of mistakes.",
        "Listen Often: Listening trains your ear. | Play songs, films and radio shows in the new "
        "language. | You will soon recognize common phrases.",
        "Read Simple Books: Simple books show words in context. | Start with stories for children. "
        "| Look up only the words you need.",
    ),
    _topic(
        "saving money",
        "Make a Budget: A budget shows where your money goes. | Write down what you earn and what "
        "you spend. | Then decide what you can do without.",
        "Cook at Home: Cooking at home costs less than eating out. | Plan your meals for the week "
        "and buy only what you need. | Leftovers make a good lunch.",
        "Compare Prices: The same thing often has many prices. | Look in two or three shops before "
        "you buy. | Wait for a sale if you can.",
        "Avoid Debt: Debt makes everything more expensive. | Pay your bills on time. | Save first "
        "and buy later.",
    ),
    _topic(
        "writing clearly",
        "Use Short Sentences: Short sentences are easy to read. | Put one idea in each of them. | "
        "If a sentence is long, split it.",
        "Know Your Reader: Think about who will read your text. | Explain the words they may not "
        "know. | Leave out what they know already.",
        "Revise: The first draft is never the best one. | Read your text aloud and listen for "
        "trouble. | Cut every word that does no work.",
    ),
    _topic(
        "writing good code",
        "Choose Good Names: A good name tells what a thing is. | Use whole words and avoid private "
        "abbreviations. | Rename things when their meaning changes.",
        "Write Tests: Tests tell you when something breaks. | Test one fact at a time and keep the "
        "tests fast. | Run them before every commit.",
        "Keep Functions Small: A small function does one thing. | It is easy to read, to test and "
        "to change. | Split a function when it needs a comment for each part.",
    ),
    _topic(
        "sleeping better",
        "Keep a Schedule: Your body likes a rhythm. | Go to bed and get up at the same time every "
        "day. | Keep it on weekends too.",
        "Dim the Lights: Bright light keeps you awake. | Turn off screens an hour before bed. | "
        "Read a book in soft light instead.",
        "Avoid Coffee: Coffee stays in your body for hours. | Do not drink it in the afternoon. | "
        "Choose warm milk or herbal tea.",
    ),
    _topic(
        "studying",
        "Make a Plan: A plan turns a big task into small steps. | Write down what you will do each "
        "day. | Tick off each step when it is done.",
        "Take Breaks: Your mind needs rest to learn. | Work for half an hour and then stop for "
        "five minutes. | Stand up and stretch.",
        "Test Yourself: Testing shows what you really know. | Close the book and say the main "
        "ideas aloud. | Go back to what you forgot.",
    ),
    _topic(
        "growing plants",
        "Give Light: Plants need light to grow. | Put them near a window. | Turn them once a week "
        "so that they grow straight.",
        "Water with Care: Too much water harms the roots. | Touch the soil and water only when it "
        "is dry. | Let the pot drain.",
        "Use Good Soil: Good soil feeds the roots. | Mix in some compost in spring. | Change the "
        "soil when the pot gets small.",
    ),
    _topic(
        "traveling",
        "Pack Light: A light bag makes every trip easier. | Take only what you will use. | You can "
        "wash clothes on the way.",
        "Plan Ahead: A plan saves time and money. | Book your train and your room early. | Leave "
        "some hours free for surprises.",
        "Learn a Few Words: A few words open many doors. | Learn to say hello, please and thank "
        "you. | People will be happy to help you.",
    ),
    _topic(
        "cooking",
        "Use Fresh Food: Fresh food tastes better. | Buy fruit and vegetables of the season. | "
        "Store them well and use them soon.",
        "Taste as You Go: Tasting tells you what is missing. | Add salt and spices little by "
        "little. | You can add more, but you cannot take it out.",
        "Keep Knives Sharp: A sharp knife is safer than a dull one. | It cuts without force. | Dry "
        "it and put it away after use.",
    ),
    _topic(
        "making friends",
        "Listen Well: People like to be heard. | Ask questions and remember the answers. | Put "
        "your phone away while you talk.",
        "Join a Club: A club brings people with the same interest together. | Choose something you "
        "enjoy. | Go there every week.",
        "Be Kind: Small acts of kindness matter. | Offer help before you are asked. | A smile is a "
        "good start.",
    ),
)


def _paragraph(rng: Random, sentences: tuple[str, str, str], low: int = 2) -> str:
    return " ".join(sentences[: rng.randint(low, 3)])


def _names(titles: list[str]) -> str:
    lowered = [title.lower() for title in titles]
    return f"{', '.join(lowered[:-1])} and {lowered[-1]}" if len(lowered) > 1 else lowered[0]


def _summary(rng: Random, topic: Topic, titles: list[str]) -> str:
    return pick(
        rng,
        f", {_names(titles)} are two good ways of {topic.purpose}.",
        f", {_names(titles)} both help with {topic.purpose}.",
        f", remember two things for {topic.purpose}: {_names(titles)}.",
        f", {_names(titles)} are key to {topic.purpose}. Start with small steps and keep going.",
    )


def expansion(rng: Random) -> str:
    """Two tips named, and one of them expanded; or both, and a summary."""
    topic = rng.choice(TOPICS)
    (t1, s1), (t2, s2) = some(rng, topic.tips, 2, 2)
    if topic is HEALTH and rng.random() < 0.6:
        (t1, s1), (t2, s2) = HEALTH.tips[0], HEALTH.tips[1]
    head = f"Here are two tips for {topic.purpose}: 1. {t1}. 2. {t2}.\n\n"
    one, two = _paragraph(rng, s1), _paragraph(rng, s2)
    if rng.random() < 0.55:
        n, body = pick(rng, (1, one), (2, two))
        return f"{head}Now, expand tip {n} into a paragraph:\n{key(body)}\n\n"
    gap = pick(rng, " ", "", "\n")
    return f"{head}Tip 1:{gap}{one}\nTip 2:{gap}{two}\nIn summary{_summary(rng, topic, [t1, t2])}\n"


def listing(rng: Random) -> str:
    """A request for some tips, answered with a numbered list."""
    topic = rng.choice(TOPICS)
    words = ("one", "two", "three")
    count = rng.randint(1, 3)
    word = pick(rng, words[count - 1], words[count - 1], str(count))
    noun = "tip" if count == 1 else "tips"
    asked = pick(
        rng,
        f"Give me {word} {noun} for {topic.purpose}.",
        f"Give me {word} {noun} on {topic.purpose}.",
        f"List {word} {noun} for {topic.purpose}.",
        f"Write {word} {noun} about {topic.purpose}.",
        f"What are {word} good {noun} for {topic.purpose}?",
    )
    rows = [
        f"{n}. {title}: {sentences[rng.randrange(2)]}"
        for n, (title, sentences) in enumerate(some(rng, topic.tips, count, count), 1)
    ]
    if count == 1:
        rows = [rows[0].removeprefix("1. ")]
    return chat(asked, "\n".join(rows))


def advice(rng: Random) -> str:
    """One tip asked for, or one tip explained, or why it helps."""
    topic = rng.choice(TOPICS)
    title, sentences = rng.choice(topic.tips)
    asked, answer = pick(
        rng,
        (f"Give me a tip for {topic.purpose}.", f"{title}. {_paragraph(rng, sentences, 1)}"),
        (f"Do you have any tips on {topic.purpose}?", f"Yes. {_paragraph(rng, sentences, 1)}"),
        (f"How can I get better at {topic.purpose}?", _paragraph(rng, sentences)),
        (f"Write a paragraph about this tip: {title}.", " ".join(sentences)),
        (f"Expand this tip into a paragraph: {title}.", " ".join(sentences)),
    )
    return chat(asked, answer)
