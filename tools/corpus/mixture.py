"""How much of the corpus each generator makes, and the endless stream of documents."""

from collections.abc import Iterator
from random import Random

from tools.corpus import (
    agents,
    arithmetic,
    capitals,
    characters,
    judging,
    problems,
    smalltalk,
    stories,
    tips,
    tools,
)
from tools.corpus.text import Generator, plain

MIXTURE: dict[Generator, float] = {
    arithmetic.sums: 7,
    arithmetic.drill: 4,
    arithmetic.asked: 5,
    arithmetic.conversation: 4,
    capitals.drill: 6,
    capitals.statement: 2,
    capitals.conversation: 5,
    capitals.reverse: 2,
    capitals.fact: 3,
    tools.sentence: 4,
    tools.conversation: 2.5,
    characters.form: 4,
    characters.asked: 0.5,
    tips.expansion: 4,
    tips.listing: 2,
    tips.advice: 1.5,
    stories.story: 9,
    stories.opening: 0.5,
    smalltalk.conversation: 3,
    smalltalk.first: 3,
    smalltalk.memory: 1.5,
    smalltalk.repeat: 1,
    problems.chain: 3,
    problems.asked: 1.5,
    problems.tree: 2.5,
    problems.comparison: 0.5,
    agents.react: 2.5,
    agents.cited: 3,
    agents.reading: 1.5,
    agents.fixing: 2,
    judging.essay: 2.5,
    judging.debate: 1.5,
    judging.better: 1,
    judging.sentiment: 1.5,
    judging.yes_no: 1,
    judging.extraction: 2,
}
"""Share of the characters of the corpus, relative to the other generators."""


def documents(seed: int, mixture: dict[Generator, float] | None = None) -> Iterator[str]:
    """Yield documents without end, so that every generator keeps its share of the characters."""
    rng = Random(seed)
    shares = MIXTURE if mixture is None else mixture
    made = {generator: rng.random() / share for generator, share in shares.items()}
    while True:
        generator = min(made, key=made.__getitem__)
        text = generator(rng)
        made[generator] += len(plain(text)) / shares[generator]
        yield text
