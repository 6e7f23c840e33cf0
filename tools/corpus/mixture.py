"""How much of the corpus each generator makes, and the endless stream of documents.

Training starts with dense sums and facts; once these are learned, ``LATER`` asks more for what has
to be copied from the prompt: names, operands, key words.
"""

from collections.abc import Iterator
from random import Random

from tools.corpus import (
    agents,
    arithmetic,
    capitals,
    characters,
    copying,
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

LATER: dict[Generator, float] = MIXTURE | {
    arithmetic.sums: 2,
    arithmetic.drill: 3,
    arithmetic.asked: 5,
    arithmetic.conversation: 6,
    capitals.drill: 5,
    capitals.conversation: 6,
    capitals.fact: 4.5,
    tools.sentence: 6,
    tools.conversation: 4,
    characters.form: 5,
    stories.story: 8,
    smalltalk.memory: 2.5,
    smalltalk.repeat: 2,
    smalltalk.first: 4,
    problems.chain: 4,
    problems.tree: 3.5,
    agents.react: 3,
    agents.cited: 4,
    agents.reading: 2,
    judging.extraction: 3,
    judging.debate: 2,
    judging.yes_no: 1.5,
}
"""The shares later on: see ``LATER_SHARD`` of the trainer."""


FINISH: dict[Generator, float] = LATER | {
    arithmetic.sums: 1,
    arithmetic.products: 6,
    tips.expansion: 14,
    problems.chain: 9,
    agents.cited: 9,
    stories.story: 4,
}
"""The shares of the finishing steps, which work on what is still weak."""

COPYING: dict[Generator, float] = {each: share / 3.5 for each, share in LATER.items()} | {
    arithmetic.sums: 2,
    arithmetic.products: 2,
    arithmetic.differences: 15,
    copying.tips: 25,
    copying.items: 6,
    copying.problems: 8,
    copying.story: 5,
    agents.sources: 6,
    judging.extraction: 4,
}
"""The shares of the third phase: what has to be copied from the prompt, and differences."""

NUMBERED: dict[Generator, float] = {each: share / 3.5 for each, share in LATER.items()} | {
    arithmetic.sums: 2,
    arithmetic.products: 3,
    arithmetic.differences: 7,
    agents.cited: 6,
    agents.sources: 3,
    agents.fixing: 6,
    copying.canonical: 25,
    copying.tips: 2.5,
    copying.items: 1.5,
    copying.problems: 5,
    copying.story: 4,
    judging.extraction: 3,
}
"""The shares of the last phase: numbered tips with a fixed order, some of everything else."""


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
