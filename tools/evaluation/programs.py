"""Prompts as the example programs build them, each with a check that the answer makes sense."""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from tools.corpus.text import chat, turn
from tools.evaluation.decoder import visible
from tools.evaluation.suites import GENERATION, line, user


class Example(NamedTuple):
    """A prompt of a program, where generation stops, and the check of what is visible."""

    program: str
    prompt: str
    is_sensible: Callable[[str], bool]
    stop: str = ""
    max_tokens: int = 96


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda text: compiled.fullmatch(visible(text)) is not None


def _has_keys(*keys: str, **values: object) -> Callable[[str], bool]:
    """Check for a JSON object with just these keys in order, and some of its values."""

    def check(text: str) -> bool:
        try:
            value = json.loads(visible(text))
        except ValueError:
            return False
        return tuple(value) == keys and all(value[k] == v for k, v in values.items())

    return check


def _prose(num_words: int, *wanted: str) -> Callable[[str], bool]:
    """Check for finished sentences: long enough, ending in a full stop, naming ``wanted``."""

    def check(text: str) -> bool:
        shown = visible(text)
        named = all(word.lower() in shown.lower() for word in wanted)
        return len(shown.split()) >= num_words and shown[-1:] in ".!?" and named

    return check


def _tool(question: str) -> str:
    return f"To answer this question: {question}. I need to use a "


TIPS = "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n"
TIP_1 = " A balanced diet gives your body the nutrients it needs. Limit sugar and salt."
TIP_2 = " Regular exercise keeps your heart and muscles strong. It also improves your mood."
CARD = ("name", "house", "blood status", "wand", "alive", "patronus")
BOXES = "There are 3 boxes with 6 apples each. How many apples are there in all?"
SOLVE = turn("user", f"Solve the problem step by step.\nProblem: {BOXES}\n")
STEP = turn("assistant", "Step 1: There are 3 * 6 = 18 apples.")
DOCUMENTS = "Answer only from the documents. Cite them by number."
BODY = (
    "[0] Peru\nLima is the capital of Peru.\n\n[1] Oslo bridge\nThe Oslo bridge was built in 1932."
    "\n\nQuestion: When was the Oslo bridge built?"
)
ESSAY = turn("system", "You are a strict but fair judge of essays.") + turn(
    "user",
    "Here is an essay.\n\nI think that dogs teach patience. They make people happy. "
    "Some people prefer cats, but I do not agree.",
)
FIX = (
    "You fix bugs. Reply with one step as JSON, "
    'e.g. {"thought": "...", "tool": "read_file", "input": "a.py"}'
)
LOOK = '{"thought": "I should look at cart.py first.", "tool": "read_file", "input": "cart.py"}'
BUG = turn("system", FIX) + turn("user", "The function in cart.py adds the tax twice.")
MOTION = turn("system", "Be brief and polite.") + turn("user", "Homework should be abolished.")
REACT = "Question: When was the Lyon bridge built?\nThought 1:"
SEEN = (
    f"{REACT} I need to search for Lyon bridge.\nAction 1: Search[Lyon bridge]\n"
    "Observation 1: The Lyon bridge was built in 1907.\nThought 2:"
)

EXAMPLES: tuple[Example, ...] = (
    Example("text_qa", line("Capital of France?"), _matches(r"Paris\."), "\n"),
    Example("text_qa", line("Capital of Japan?"), _matches(r"Tokyo\."), "\n"),
    Example("text_qa", line("12 * 12?"), _matches(r"144\.?"), "\n"),
    Example("multi_turn", user("What is the capital of Italy?"), _matches(r".*Rome\.")),
    Example(
        "multi_turn",
        chat("What is the capital of Italy?", "The capital of Italy is Rome.", "And of Peru?")
        + GENERATION,
        _matches(r".*Lima\."),
    ),
    Example("multi_turn", user("Give me two tips for learning a language."), _prose(8, "1.", "2.")),
    Example("tool_use", _tool("What is 17 * 3?"), _matches(r"calculator\. .*is 17 \* 3\."), "\n"),
    Example("tool_use", _tool("What is 12 times 9"), _matches(r"calculator\. .* 12 \* 9\."), "\n"),
    Example(
        "tool_use", _tool("Who is the mayor of Paris?"),
        _matches(r"search engine\. The key word to search is mayor of Paris\."), "\n",
    ),
    Example(
        "tool_use", _tool("What is the capital of Chile?"),
        _matches(r"search engine\. The key word to search is capital of Chile\."), "\n",
    ),
    Example("tip_suggestion", f"{TIPS}Now, expand tip 1 into a paragraph:\n", _prose(12, "diet"),
            "\n\n"),
    Example("tip_suggestion", f"{TIPS}Now, expand tip 2 into a paragraph:\n",
            _prose(12, "exercise"), "\n\n"),
    Example("tip_suggestion", f"{TIPS}Tip 1:{TIP_1}\nTip 2:{TIP_2}\nIn summary", _prose(5), "\n"),
    Example("dns_ip", line("What is the IP address of the Google DNS servers?"),
            _matches(r"8\.8\.8\.8"), "\n"),
    Example("character", "Harry Potter is a character in Harry Potter. Fill in this card:\n",
            _has_keys(*CARD, name="Harry Potter", house="Gryffindor", alive="Alive"), "\n", 128),
    Example("character", "Hermione Granger is a character in Harry Potter. Fill in this card:\n",
            _has_keys(*CARD, name="Hermione Granger", house="Gryffindor"), "\n", 128),
    Example("character", "Lily Marsh is a character in Harry Potter. Fill in this card:\n",
            _has_keys(*CARD, name="Lily Marsh"), "\n", 128),
    Example("tree_of_thought", SOLVE + GENERATION + "Step 1:",
            _matches(r".*(operation|numbers|known).*|.*3 \* 6 = 18.*")),
    Example("tree_of_thought",
            SOLVE + STEP + chat("Rate how promising the last step is, 1 to 10.") + GENERATION,
            _matches(r"10|[1-9]")),
    Example("tree_of_thought", SOLVE + STEP + chat("Now state the final answer only.") + GENERATION,
            _matches(r"18.*")),
    Example("react", REACT, _matches(r".*search.*\nAction 1: Search\[Lyon bridge.*"),
            "\nObservation"),
    Example("react", SEEN, _matches(r".*\nAction 2: Finish\[1907\]")),
    Example("judge", ESSAY + chat("Judge only its clarity.") + GENERATION,
            _matches(r".*\.\nScore: (10|[1-9])")),
    Example(
        "judge",
        ESSAY + chat("Reviews:\n- clarity: The main idea is clear from the start. (9/10)\n"
                     "- evidence: The claims are not backed by facts. (4/10)\n"
                     "Write the verdict as JSON.") + GENERATION,
        _has_keys("summary", "grade"),
    ),
    Example("solve", f"Q: {BOXES}\nA: Let's think step by step.",
            _matches(r".*3 \* 6 = 18.* The answer is 18\."), "\n"),
    Example("solve",
            "Q: Tom has 30 coins and gives 12 to Mia. How many coins are left?\n"
            "A: Let's think step by step.", _matches(r".*The answer is 18\."), "\n"),
    Example("rag", turn("system", DOCUMENTS) + chat(BODY) + GENERATION,
            _has_keys("answer", "sources", answer="1932", sources=[1])),
    Example("agent", BUG + GENERATION,
            _has_keys("thought", "tool", "input", tool="read_file", input="cart.py")),
    Example("agent",
            BUG + turn("assistant", LOOK) + turn("tool", "def total(x):\n    return x")
            + GENERATION,
            _has_keys("thought", "tool", "input", tool="run_tests")),
    Example("debate", MOTION + GENERATION + "For:", _prose(5)),
    Example("debate", MOTION + GENERATION + "Against:", _prose(5)),
    Example(
        "debate",
        MOTION + chat("Pro said: Children need time to play.\nCon said: Practice helps.\nWho won?")
        + GENERATION,
        _matches(r"The winner is (pro|con), \d\d% sure\."),
    ),
    Example("chat", user("Hello!"), _matches(r"(Hello|Hi).*")),
    Example("chat", user("Who are you?"), _prose(5, "sglc")),
    Example("chat", user("Who are you?", "You are a helpful assistant."), _prose(5, "sglc")),
    Example("chat", user("Thank you!"), _matches(r".*(welcome|pleasure).*")),
    Example("chat", user("Tell me a joke."), _prose(5)),
    Example("chat", user("What is the capital of Spain?", "Answer in one word."),
            _matches(r"Madrid\.?")),
    Example("chat", chat("My name is Leo.", "Nice to meet you, Leo!", "What is my name?")
            + GENERATION, _prose(3, "Leo")),
    Example("story", user("Write a short story about a brave mouse."), _prose(30, "mouse"),
            "", 200),
    Example("story", user("Tell me a story about a robot."), _prose(30, "robot"), "", 200),
    Example("story", "Once upon a time", _prose(30), "<|endoftext|>", 200),
    Example("sentiment", user("Classify the sentiment as positive, negative or neutral: "
                              "I love this phone!"), _matches(r"[Pp]ositive\.?")),
    Example("sentiment", "Review: The hotel was terrible.\nSentiment:", _matches(r"negative"),
            "\n"),
    Example("yes_no", line("Is snow cold?"), _matches(r"Yes\."), "\n"),
    Example("yes_no", user("Can pigs fly?", "Answer yes or no."), _matches(r"No\.")),
    Example("extraction", user("Extract the name, age, city as JSON: Emma is 34 years old and "
                               "lives in Oslo."),
            _has_keys("name", "age", "city", name="Emma", age=34, city="Oslo")),
    Example("better", user("Question: What is the capital of Kenya?\nAnswer A: Lima\n"
                           "Answer B: Nairobi\nWhich answer is better, A or B?"),
            _matches(r"B\.?")),
)  # fmt: skip
