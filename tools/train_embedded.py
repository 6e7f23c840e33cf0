"""Train the embedded model from scratch: corpus, tokenizer, weights, evaluation, model card.

    python -m tools.train_embedded
    python -m tools.train_embedded --phase finish --steps 1294
    python -m tools.train_embedded --phase finish --steps 1348
    python -m tools.train_embedded --phase copying --steps 1725
    python -m tools.train_embedded --phase numbered --steps 1965

The corpus is generated, so nothing is downloaded, and a seed fixes it. Two processes on two cores
take about an hour; the other phases add some minutes each on what is still weak. The order in which
gradients are added depends on the timing of the processes, so two runs differ in detail.
"""

import argparse
import math
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from tools.corpus.arithmetic import held_out_pairs
from tools.corpus.facts import CAPITALS
from tools.corpus.mixture import COPYING, FINISH, LATER, MIXTURE, NUMBERED
from tools.corpus.text import Generator
from tools.evaluate_embedded import evaluate, print_report
from tools.trainer.card import write_card
from tools.trainer.rows import build_stream, row_starts
from tools.trainer.vocabulary import save_tokenizer, train_tokenizer
from tools.trainer.workers import Batches, Log, Schedule, share, train

END_OF_TEXT_ID, IM_END_ID = 0, 2
MAX_POSITIONS = 2048


class Phase(NamedTuple):
    """A part of the training: what it reads, at which share of the learning rates.

    Every phase but the first goes on from the checkpoint; ``averages`` takes the mean of the
    weights before and after.
    """

    seed: int
    first: dict[Generator, float]
    later: dict[Generator, float]
    lr_share: float = 1
    goes_on: bool = True
    averages: bool = False


PHASES = {
    "main": Phase(0, MIXTURE, LATER, goes_on=False),
    "finish": Phase(1, FINISH, FINISH, lr_share=0.25, averages=True),
    "copying": Phase(2, COPYING, COPYING, lr_share=0.5),
    "numbered": Phase(3, NUMBERED, NUMBERED, lr_share=0.5),
}


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; the defaults are what the shipped model was trained with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runtime/embedded"))
    parser.add_argument("--steps", type=int, default=1200, help="most optimizer steps")
    parser.add_argument("--minutes", type=float, default=math.inf, help="most minutes")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--ffn", type=int, default=512)
    parser.add_argument("--row", type=int, default=256, help="tokens of a row")
    parser.add_argument("--rows", type=int, default=2, help="rows of a micro-batch")
    parser.add_argument("--micro", type=int, default=11, help="micro-batches of a step")
    parser.add_argument("--long", type=int, default=1024, help="tokens of the one long row")
    parser.add_argument("--matrix-lr", type=float, default=0.02)
    parser.add_argument("--other-lr", type=float, default=0.004)
    parser.add_argument("--checkpoint", type=Path, default=Path("build/embedded.pt"))
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint, without momentum"
    )
    parser.add_argument(
        "--phase", choices=PHASES, default="main", help="all but the first go on at a lower rate"
    )
    parser.add_argument("--nice", type=int, nargs="*", default=[], help="niceness of each process")
    return parser.parse_args(arguments)


def build_model(options: argparse.Namespace) -> LlamaForCausalLM:
    """Return the model with random weights."""
    torch.manual_seed(options.seed)
    config: Any = LlamaConfig(
        vocab_size=options.vocab,
        hidden_size=options.hidden,
        intermediate_size=options.ffn,
        num_hidden_layers=options.layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=[IM_END_ID, END_OF_TEXT_ID],
        pad_token_id=END_OF_TEXT_ID,
    )
    return LlamaForCausalLM(config)


def export(model: LlamaForCausalLM, folder: Path) -> None:
    """Write the weights in bfloat16 and both configurations."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    generation: Any = GenerationConfig
    copy.generation_config = generation(
        eos_token_id=[IM_END_ID, END_OF_TEXT_ID],
        pad_token_id=END_OF_TEXT_ID,
        do_sample=False,
        max_new_tokens=256,
    )
    copy.bfloat16().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)


def fit(options: argparse.Namespace, model: LlamaForCausalLM) -> Log:
    """Train ``model`` on the corpus of the seed and save checkpoints."""
    tokenizer = train_tokenizer(options.seed, options.vocab)
    options.out.mkdir(parents=True, exist_ok=True)
    save_tokenizer(tokenizer, options.out, MAX_POSITIONS)
    tokens_per_step = options.row * options.rows * (options.micro - 1) + options.long
    log = Log()
    phase = PHASES[options.phase]
    if options.resume or phase.goes_on:
        saved = torch.load(options.checkpoint)
        model.load_state_dict(saved["model"])
        log.rows.extend(saved["log"])
    num_steps = options.steps - (log.last_step if phase.goes_on else 0)
    stream = build_stream(
        tokenizer,
        options.seed + phase.seed,
        tokens_per_step * num_steps,
        options.workers,
        phase.first,
        phase.later,
    )
    starts = row_starts(stream, options.row)
    print(f"{len(stream.tokens)} tokens, {len(stream.starts)} documents, {len(starts)} rows")
    batches = Batches(
        tokens=share(torch.from_numpy(stream.tokens)),
        weights=share(torch.from_numpy(stream.weights)),
        starts=share(torch.from_numpy(starts)),
        row_len=options.row,
        num_rows=options.rows,
        num_micro=options.micro,
        long_len=options.long,
    )
    schedule = Schedule(
        num_steps=options.steps,
        max_minutes=options.minutes,
        first_step=log.last_step,
        decay_from=log.last_step if phase.goes_on else 0,
        matrix_lr=options.matrix_lr * phase.lr_share,
        other_lr=options.other_lr * phase.lr_share,
    )

    def save() -> None:
        options.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"model": model.state_dict(), "log": log.rows}, options.checkpoint)

    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, batches, schedule, options.workers, log, save, niceness=tuple(options.nice))
    if phase.averages:  # the mean with the weights before is better than either
        after = model.state_dict()
        model.load_state_dict({name: (before[name] + after[name]) / 2 for name in before})
    save()
    return log


def main(arguments: list[str] | None = None) -> int:
    """Train, export, evaluate, and write the model card."""
    options = parse_arguments(arguments)
    started = time.monotonic()
    model = build_model(options)
    log = fit(options, model)
    export(model, options.out)
    minutes = (time.monotonic() - started) / 60
    report = evaluate(options.out)
    print_report(report)
    write_card(options, model, log, report, minutes, len(CAPITALS), len(held_out_pairs()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
