"""The bodies of ``/generate``: SGLang's fields, those of 0.4 and of 0.5."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, RootModel

from sglc.server.http.body import Body, ReplyBody

MAX_SAMPLES = 512


def refuse(reason: str, value: object) -> None:
    """Let pass what asks for nothing: null, false, an empty list, a list of those."""
    items = value if isinstance(value, list) else [value]
    if any(item is not None and item is not False and item != [] for item in items):
        raise ValueError(reason)


NoMedia = Annotated[None, BeforeValidator(partial(refuse, "the model takes text only"))]
NoEmbeds = Annotated[
    None, BeforeValidator(partial(refuse, "prompts are given as text or input_ids"))
]
NoAdapter = Annotated[None, BeforeValidator(partial(refuse, "no LoRA adapters are loaded"))]
NoProcessor = Annotated[
    None,
    BeforeValidator(partial(refuse, "code in requests is not run; use logit_bias or a constraint")),
]
NoHiddenStates = Annotated[
    None, BeforeValidator(partial(refuse, "hidden states are not given; /encode gives the last"))
]
NoTokenLogprobs = Annotated[
    None,
    BeforeValidator(partial(refuse, "log probabilities are given by rank: use top_logprobs_num")),
]
NoStopRegex = Annotated[
    None,
    BeforeValidator(
        partial(refuse, "stop strings are plain text: use `stop`, or `regex` for the whole text")
    ),
]
NoTag = Annotated[
    None, BeforeValidator(partial(refuse, "give the whole text as `ebnf`, `regex` or JSON schema"))
]


class SamplingBody(Body):
    """``sampling_params``. ``max_new_tokens`` null: as many as the context holds.

    ``spaces_between_special_tokens`` is about tokenizers that put spaces there; none of those that
    are served here does, whatever it says.
    """

    max_new_tokens: int | None = Field(default=128, ge=0)
    min_new_tokens: int = Field(default=0, ge=0)
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: dict[str, float] | None = None
    sampling_seed: int | None = Field(default=None, ge=0, lt=2**64)
    n: int = Field(default=1, ge=1, le=MAX_SAMPLES)
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    stop_regex: NoStopRegex = None
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    no_stop_trim: bool = False
    regex: str | None = None
    json_schema: str | None = None
    ebnf: str | None = None
    structural_tag: NoTag = None
    custom_params: NoProcessor = None


class SessionBody(Body):
    """``session_params`` of 0.5: which request of a session to go on from.

    ``rid`` null begins with nothing. ``offset`` keeps so many tokens of what is gone on from, below
    0 all but so many; ``drop_previous_output`` keeps its prompt alone. ``replace`` forgets what was
    appended to ``rid`` before, without ``rid`` everything.
    """

    id: str
    rid: str | None = None
    offset: int | None = None
    replace: bool | None = None
    drop_previous_output: bool | None = None


class GenerateBody(Body):
    """The body of ``/generate``: one prompt, or a list, as ``text`` or as ``input_ids``.

    What belongs to a prompt may be a list of the same length. ``logprob_start_len`` -1 asks for the
    log probabilities of the output alone; without it they begin with the output too, or with the
    prompt if ``max_new_tokens`` is 0, so that there is no output.
    """

    text: str | list[str] | None = None
    input_ids: list[int] | list[list[int]] | None = None
    input_embeds: NoEmbeds = None
    image_data: NoMedia = None
    video_data: NoMedia = None
    audio_data: NoMedia = None
    modalities: NoMedia = None
    sampling_params: SamplingBody | list[SamplingBody] | None = None
    rid: str | list[str] | None = None
    return_logprob: bool | list[bool] | None = None
    logprob_start_len: int | list[int] | None = None
    top_logprobs_num: int | list[int] | None = None
    token_ids_logprob: NoTokenLogprobs = None
    return_text_in_logprobs: bool | None = None
    stream: bool = False
    lora_path: NoAdapter = None
    session: Annotated[list[str | None], Field(min_length=2, max_length=2)] | SessionBody | None = (
        None
    )
    session_params: SessionBody | None = None
    custom_logit_processor: NoProcessor = None
    return_hidden_states: NoHiddenStates = None


class GenerateReply(ReplyBody):
    """One output: its text so far, or its ids if the server does not make text."""

    text: str | None = None
    output_ids: list[int] | None = None
    token_ids: list[int] | None = None
    meta_info: dict[str, Any]
    index: int | None = None


class GenerateReplies(RootModel[GenerateReply | list[GenerateReply]]):
    """An output, or a list where prompts are a list or ``n`` is above 1: prompt by prompt."""
