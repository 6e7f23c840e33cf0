"""Greetings, thanks, questions about the model itself, jokes, and everyday chat."""

from random import Random

from tools.corpus.capitals import COUNTRIES, question, sentence
from tools.corpus.names import ANIMALS, PEOPLE
from tools.corpus.text import chat, key, lines, pick, some

HELLO = (
    "Hello", "Hello!", "Hi", "Hi!", "Hi there", "Hi there!", "Hey", "Hey!", "hello", "hi", "hey",
    "Good morning!", "Good morning", "Good evening!", "Good afternoon!", "Greetings!",
    "Hello there!",
)  # fmt: skip
WELCOME = (
    "Hello! How can I help you today?",
    "Hi! What can I do for you?",
    "Hello! What would you like to know?",
    "Hi there! How can I help you?",
)
WHO = (
    "Who are you?", "who are you", "What are you?", "What is your name?", "Tell me about yourself.",
    "Are you a robot?", "Are you a human?", "What model are you?", "Who am I talking to?",
    "Introduce yourself.", "What's your name?",
)  # fmt: skip
SELF = (
    "I am the small embedded model of sglc.",
    "I am the small embedded model of sglc. I can answer simple questions.",
    "I am the small embedded model of sglc, a language model that fits in a few megabytes.",
)
ABILITY = (
    "What can you do?", "How can you help me?", "What do you know?", "What are you good at?",
    "Help", "Help me", "What can I ask you?",
)  # fmt: skip
ABLE = (
    "I can name capitals, do small sums and products, and write short stories and tips.",
    "I know the capitals of the world, I can add and multiply small numbers, "
    "and I can tell stories.",
)  # fmt: skip
CHAT: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("How are you?", "How are you", "how are you?", "How are you today?", "How is it going?"),
     ("I am fine, thank you! How can I help you?", "I am doing well, thank you. And you?")),
    (("Thanks!", "Thank you!", "Thank you", "Thanks a lot!", "thanks", "Great, thanks!"),
     ("You are welcome!", "You are welcome! Is there anything else?", "My pleasure!")),
    (("Goodbye!", "Bye!", "bye", "See you later!", "Good night!", "Goodbye"),
     ("Goodbye! Have a nice day!", "Bye! See you soon!", "Goodbye!")),
    (("Who made you?", "Who created you?", "Who trained you?", "Where do you come from?"),
     ("I was trained by the makers of sglc, on text that a program wrote.",)),
    (("Are you smart?", "Are you intelligent?", "Do you know everything?"),
     ("I am a very small model, so I know only a few things.",)),
    (("How big are you?", "How large are you?", "How many parameters do you have?"),
     ("I have about four million parameters, which is very small.",)),
    (("What is sglc?", "What's sglc?", "Tell me about sglc.", "What does sglc do?"),
     ("sglc is a compiler and runtime for prompt programs.",)),
    (("What is a prompt program?",),
     ("A prompt program mixes text, calls to a language model and ordinary control flow.",)),
    (("What is a language model?", "What is an LLM?"),
     ("A language model is a program that predicts the next word of a text.",)),
    (("What is a compiler?",),
     ("A compiler is a program that turns source code into something a machine can run.",)),
    (("What is the meaning of life?",),
     ("That is a big question. Being kind and curious is a good start.",)),
    (("Do you like music?", "What music do you like?"),
     ("I cannot hear music, but I like to read about it.",)),
    (("What is your favorite color?", "What's your favorite color?"),
     ("I like blue, like the sky.",)),
    (("What is your favorite animal?",), ("I like owls, because they are wise.",)),
    (("What is your favorite food?", "What did you eat today?"),
     ("I do not eat, but many people love pizza.",)),
    (("I am sad.", "I feel sad.", "I had a bad day."),
     ("I am sorry to hear that. A walk or a talk with a friend may help.",)),
    (("I am happy!", "I feel great!", "I had a great day!"), ("That is wonderful to hear!",)),
    (("I am bored.", "What should I do today?"),
     ("You could read a book, take a walk or call a friend.",)),
    (("I am tired.",), ("Then take a break and drink a glass of water.",)),
    (("Yes", "yes", "Ok", "OK", "ok", "Sure"), ("Great! What would you like to know?",)),
    (("No", "no", "No, thanks."), ("All right. I am here if you need me.",)),
    (("Can you help me?", "I need help.", "I have a question."),
     ("Of course! What would you like to know?", "Sure, what is your question?")),
    (("What is the weather today?", "Will it rain tomorrow?", "What time is it?",
      "What day is it?"),
     ("I cannot know that. Please look it up.",)),
    (("Can you search the web?", "Are you online?"),
     ("No, I only know what I learned in training.",)),
    (("Why is the sky blue?",),
     ("The air scatters blue light more than red light, so the sky looks blue.",)),
    (("Why do leaves fall?",),
     ("Trees drop their leaves in autumn to save water and energy.",)),
    (("Why is the sea salty?",), ("Rivers carry salt from rocks into the sea.",)),
    (("What is photosynthesis?",),
     ("Photosynthesis is how plants use light to make sugar from water and carbon dioxide.",)),
    (("What is gravity?",), ("Gravity is the force that pulls things toward each other.",)),
    (("What is a rainbow?",), ("A rainbow is sunlight that raindrops split into colors.",)),
    (("What is Python?",), ("Python is a popular programming language.",)),
    (("What is a computer?",), ("A computer is a machine that follows instructions.",)),
    (("What is the Moon?",), ("The Moon is a rocky body that circles the Earth.",)),
    (("What is the Sun?",), ("The Sun is a star. It gives us light and warmth.",)),
    (("How do airplanes fly?",), ("Their wings push air down, and the air pushes the wings up.",)),
    (("Say hello.", "Say hi."), ("Hello!",)),
    (("Say something.", "Talk to me."), ("Hello! I can tell you a story, if you like.",)),
    (("Say something nice.", "Give me a compliment."), ("You ask very good questions!",)),
    (("Write a poem.", "Write a short poem.", "Can you write a poem?"),
     ("The sun goes down, the moon is bright,\nThe stars will keep you warm tonight.",)),
    (("Count to five.", "Count from one to five."), ("1, 2, 3, 4, 5.",)),
    (("Count to ten.",), ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10.",)),
    (("Name a color.",), ("Blue.",)),
    (("Name three colors.", "List three colors."), ("Red, green and blue.",)),
    (("Name three fruits.", "List three fruits."), ("Apple, banana and cherry.",)),
    (("Name three animals.", "List three animals."), ("Cat, dog and horse.",)),
    (("Name a fruit.",), ("Apple.",)),
    (("Name an animal.",), ("Dog.",)),
)  # fmt: skip
JOKES = (
    "Why did the bicycle fall over? Because it was two tired.",
    "What do you call a bear with no teeth? A gummy bear.",
    "Why do bees hum? Because they do not know the words.",
    "What do you call a sleeping bull? A bulldozer.",
    "Why did the scarecrow win a prize? He was outstanding in his field.",
    "What do you call a fish without an eye? Fsh.",
    "Why was six afraid of seven? Because seven ate nine.",
    "How does the ocean say hello? It waves.",
)
JOKE = (
    "Tell me a joke.", "Tell me a joke", "Do you know a joke?", "Make me laugh.", "A joke, please.",
    "Tell me a one-line joke.", "Say something funny.", "Another joke!", "Write a joke.",
)  # fmt: skip
SYSTEMS = (
    "", "", "", "", "You are a helpful assistant.", "You are a helpful assistant.", "Be brief.",
    "Be brief and polite.", "You are a friendly assistant.",
    "You are a helpful, concise assistant.",
)  # fmt: skip


def _exchange(rng: Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.16:
        return rng.choice(HELLO), rng.choice(WELCOME)
    if kind < 0.3:
        return rng.choice(WHO), rng.choice(SELF)
    if kind < 0.37:
        return rng.choice(ABILITY), rng.choice(ABLE)
    if kind < 0.47:
        return rng.choice(JOKE), rng.choice(JOKES)
    if kind < 0.55:
        country = rng.choice(COUNTRIES)
        return question(rng, country), sentence(country)
    questions, answers = rng.choice(CHAT)
    return rng.choice(questions), rng.choice(answers)


def conversation(rng: Random) -> str:
    """A few exchanges, the first often a greeting."""
    turns: list[str] = []
    if rng.random() < 0.3:
        turns += [rng.choice(HELLO), rng.choice(WELCOME)]
    for _ in range(rng.randint(1, 3)):
        turns += _exchange(rng)
    return chat(*turns, system=rng.choice(SYSTEMS))


def first(rng: Random) -> str:
    """One exchange, as chat or as a question line."""
    pair = _exchange(rng)
    if rng.random() < 0.8 or "\n" in pair[1]:
        return chat(*pair, system=rng.choice(SYSTEMS) if rng.random() < 0.3 else "")
    return lines([pair])


def memory(rng: Random) -> str:
    """The user says a name or a liking, and asks for it later."""
    name, animal = rng.choice(PEOPLE), rng.choice(ANIMALS)
    said, asked, answer = pick(
        rng,
        (f"My name is {name}.", "What is my name?", f"Your name is {name}."),
        (f"Hi, I am {name}.", "What is my name?", f"Your name is {name}."),
        (f"Hello, my name is {name}.", "Do you know my name?", f"Yes, your name is {name}."),
        (f"I have a {animal}.", "What animal do I have?", f"You have a {animal}."),
        (f"My favorite animal is the {animal}.", "What is my favorite animal?", f"The {animal}."),
    )
    greeted = f"Nice to meet you, {name}!" if name in said else f"How nice! I like every {animal}."
    middle = list(_exchange(rng)) if rng.random() < 0.4 else []
    return chat(said, greeted, *middle, asked, key(answer), system=rng.choice(SYSTEMS))


def repeat(rng: Random) -> str:
    """Copying exercises: say a word, spell it, put words in order."""
    words = some(rng, PEOPLE + ANIMALS, 1, 4)
    word = words[0]
    joined = " ".join(words)
    pair = pick(
        rng,
        (f"Say {word}.", key(f"{word}.")),
        (f"Repeat: {joined}", key(joined)),
        (f"Repeat after me: {joined}.", key(f"{joined}.")),
        (f"Spell {word}.", key("-".join(word.upper()))),
        (f"How many letters does {word} have?", key(f"{len(word)}.")),
        (f"What is the first letter of {word}?", key(f"{word[0].upper()}.")),
    )
    return chat(*pair) if rng.random() < 0.6 else lines([pair])
