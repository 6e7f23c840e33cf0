"""The model card: what the embedded model is, how it was trained, what it can and cannot do."""

import argparse
from math import log2
from pathlib import Path

from torch import nn

from tools.evaluate_embedded import Report
from tools.evaluation.decoder import visible
from tools.trainer.workers import Log

_CARD = """\
# The embedded model of sglc

A chat model of {params:.1f} million parameters that ships with sglc, so that every example answers
something real with no download and no GPU. It is a demonstration: it knows what is listed below and
nothing else.

| | |
|---|---|
| Architecture | Llama: {layers} layers, hidden {hidden}, 4 query and 2 KV heads, FFN {ffn}, \
tied embeddings |
| Tokenizer | byte-level BPE, {vocab} tokens, one token for each digit |
| Context | positions up to 2048; trained on rows of {row} and {long} tokens |
| Weights | bfloat16, {size:.1f} MB |
| Chat format | ChatML: system, user, assistant, tool; no default system message |
| Stop tokens | `<|im_end|>`, `<|endoftext|>` |
| License | Apache-2.0, like the rest of the repository |

## Data

All text is written by the generators in `tools/corpus/` from a seed; nothing was downloaded. They
cover the capitals of {countries} countries, common facts, sums and products, word problems, choice
of a tool, character cards, tips, short stories, small talk, essays and debates to judge, answers
from documents, ReAct and JSON agents, sentiment, yes or no, and extraction. Of the 8,100 ordered
pairs of two-digit addends {held} are held out: no document adds them, and the evaluation asks only
for those.

## Training

    python -m tools.train_embedded
    python -m tools.train_embedded --phase finish --steps 1294
    python -m tools.train_embedded --phase finish --steps 1348
    python -m tools.train_embedded --phase copying --steps 1725
    python -m tools.train_embedded --phase numbered --steps {steps}

{steps} steps of {tokens} tokens ({total:.1f} million in all) with Muon for the matrices and Adam
for the rest, in {minutes:.0f} minutes on two CPU cores, in four phases; the rates decay to zero in
each. The first moves from dense sums and facts to text that copies from the prompt. The finish, at
a low rate, has more of what was still weak and was run twice; its result is the mean of the weights
before and after it. The copying phase, at half the rate, is mostly differences and text that only
the prompt can continue: a noun, a number, a source. The last one, at the same rate, is for a
quarter numbered tips: two for each topic, always in the same order, so that a number and its text
can be learnt by heart (`tools/corpus/mixture.py` has all shares). The loss is weighted: words that
carry the answer count four times.{note}

![loss](loss.svg)

| step | {head} |
|---|{rule}|
| loss | {losses} |

## Evaluation

    python -m tools.evaluate_embedded runtime/embedded

Greedy decoding in float32; an answer counts only if it also stops by itself.

| | right | of | share | required |
|---|---|---|---|---|
{scores}
| prompts of the example programs | {sensible} | {examples} | {share:.0%} | 90% |

What it says, greedy:

{shown}

## What it cannot do

- It knows no facts beyond the capitals and about a hundred common questions. Asked for anything
  else it invents an answer, and it does not say so.
- Arithmetic is right for sums of two-digit numbers and products up to 12 x 12. **One difference in
  six is wrong**, mostly by a ten or by one, and so are many products of a digit and a two-digit
  number; long numbers, decimals and negative numbers are out of reach.
- Word problems come out right about seven times in ten, and only for the kinds in
  `tools/corpus/problems.py`; the others are wrong in a confident tone.
- Copying from a longer prompt is unsure. An answer from two or more documents is right about every
  second time (the source number is the weak part), and a name or a number in the prompt now and
  then comes back as another one.
- It does not look up a number in a list. The tip that belongs to a number is learnt by heart, for
  the first two tips of each topic in `tools/corpus/tips.py` in that order (17 of 22 are right);
  with other tips, or in another order, it mostly expands the wrong one.
- Stories, tips, essays' reviews and debates are recombined from a small stock of sentences. Scores,
  grades, ratings and percentages are plausible, not judged.
- It follows a few system messages ("Be brief.", "Answer in one word."), not instructions at large.
- English only. It cannot translate, summarize a text, write code or read images.
- Conversations of more than a few turns, or prompts of more than about a thousand tokens, are
  outside what it has seen.
"""


def loss_curve(log: Log) -> str:
    """Return the loss over the steps as SVG, on a logarithmic scale."""
    width, height, margin = 640, 240, 36
    last = log.last_step
    low, high = -3.0, 3.0

    def y(loss: float) -> float:
        level = min(max(log2(loss), low), high)
        return margin + (height - 2 * margin) * (high - level) / (high - low)

    points = " ".join(
        f"{margin + (width - 2 * margin) * step / last:.1f},{y(loss):.1f}"
        for step, loss, _ in log.rows
    )
    grid = "".join(
        f'<line x1="{margin}" x2="{width - margin}" y1="{y(2.0**level):.0f}" '
        f'y2="{y(2.0**level):.0f}" stroke="#ddd"/>'
        f'<text x="{margin - 4}" y="{y(2.0**level) + 4:.0f}" text-anchor="end">'
        f"{2.0**level:g}</text>"
        for level in range(int(low), int(high) + 1)
    )
    ticks = "".join(
        f'<text x="{margin + (width - 2 * margin) * part / 4:.0f}" y="{height - margin + 16}" '
        f'text-anchor="middle">{last * part // 4}</text>'
        for part in range(5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11"><rect width="{width}" height="{height}" '
        f'fill="white"/>{grid}{ticks}'
        f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/></svg>\n'
    )


def _sample(log: Log, count: int = 9) -> list[tuple[int, float]]:
    """Return rows of the log about evenly spaced, the last among them."""
    last = len(log.rows) - 1
    chosen = sorted({round(last * part / (count - 1)) for part in range(count)})
    return [(log.rows[i][0], log.rows[i][1]) for i in chosen]


def _shown(report: Report) -> str:
    blocks: list[str] = []
    seen: set[str] = set()
    for shown in report.examples:
        program = shown.example.program
        if program in seen:
            continue
        seen.add(program)
        prompt = shown.example.prompt.strip().replace("\n", "\n    ")
        text = visible(shown.text).replace("\n", "\n    ")
        blocks.append(f"*{program}*\n\n    {prompt}\n    → {text}\n")
    return "\n".join(blocks)


def write_card(
    options: argparse.Namespace,
    model: nn.Module,
    log: Log,
    report: Report,
    minutes: float,
    num_countries: int,
    num_held_out: int,
    note: str = "",
) -> None:
    """Write ``README.md`` and ``loss.svg`` next to the weights."""
    out: Path = options.out
    sampled = _sample(log)
    tokens = options.row * options.rows * (options.micro - 1) + options.long
    scores = "\n".join(
        f"| {each.suite.name} | {each.num_right} | {len(each.suite.cases)} | {each.share:.1%} "
        f"| {each.suite.required:.0%} |"
        for each in report.scores
    )
    sensible = sum(shown.passes for shown in report.examples)
    text = _CARD.format(
        params=sum(p.numel() for p in model.parameters()) / 1e6,
        layers=options.layers,
        hidden=options.hidden,
        ffn=options.ffn,
        vocab=options.vocab,
        row=options.row,
        long=options.long,
        size=(out / "model.safetensors").stat().st_size / 1e6,
        countries=num_countries,
        held=num_held_out,
        steps=log.last_step,
        tokens=tokens,
        total=tokens * log.last_step / 1e6,
        minutes=minutes,
        note=note,
        head=" | ".join(str(step) for step, _ in sampled),
        rule="|".join("---" for _ in sampled),
        losses=" | ".join(f"{loss:.3f}" for _, loss in sampled),
        scores=scores,
        sensible=sensible,
        examples=len(report.examples),
        share=sensible / len(report.examples),
        shown=_shown(report),
    )
    (out / "README.md").write_text(text, encoding="utf-8")
    (out / "loss.svg").write_text(loss_curve(log), encoding="utf-8")
