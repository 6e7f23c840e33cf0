"""Chat templates by a name or as a JSON file, as SGLang and FastChat describe conversations.

A description says what stands around the messages of each role; it is made into Jinja, like any
other template.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sglc.runtime.tokenizer.json_files import read_object

# what stands before and behind a message, and what asks for an answer, by style; {role} is the
# user's or the assistant's name, {sep} the separator that belongs to the role
_STYLES = {
    "CHATML": ("{role}\n", "{sep}\n", "{role}\n"),
    "ADD_NEW_LINE_SINGLE": ("{role}\n", "{sep}", "{role}\n"),
    "ADD_COLON_SINGLE": ("{role}: ", "{sep}", "{role}:"),
    "ADD_COLON_TWO": ("{role}: ", "{sep}", "{role}:"),
    "ADD_COLON_SPACE_SINGLE": ("{role}: ", "{sep}", "{role}: "),
    "NO_COLON_SINGLE": ("{role}", "{sep}", "{role}"),
    "NO_COLON_TWO": ("{role}", "{sep}", "{role}"),
    "LLAMA3": (
        "<|start_header_id|>{role}<|end_header_id|>\n\n",
        "<|eot_id|>",
        "<|start_header_id|>{role}<|end_header_id|>\n\n",
    ),
    "LLAMA2": ("{role} ", "{sep}", "{role}"),
}
_SEPARATED = {"CHATML": "{sep}\n", "LLAMA3": "", "LLAMA2": ""}  # behind the system text; else {sep}
_UNSEPARATED = {"NO_COLON_SINGLE", "NO_COLON_TWO"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """How a conversation is written. ``system`` holds ``{system_message}``.

    ``sep`` stands behind what the user says and, without ``sep2``, behind the assistant's too.
    ``stop`` are texts that end an answer.
    """

    style: str
    system: str
    user: str
    assistant: str
    system_message: str = ""
    sep: str = "\n"
    sep2: str | None = None
    stop: tuple[str, ...] = ()

    def jinja(self) -> str:
        """Return it as a template."""
        before, _, behind = self.system.partition("{system_message}")
        separator = _SEPARATED.get(self.style, "" if self.style in _UNSEPARATED else "{sep}")
        behind += separator.format(sep=self.sep)
        if self.style == "LLAMA3":
            before = f"<|begin_of_text|>{before}"
        opening = f"{_text(before)}{{{{ system }}}}{_text(behind)}"
        if self.style in ("LLAMA2", "LLAMA3"):  # without a system text there is less
            plain = "[INST] " if self.style == "LLAMA2" else "<|begin_of_text|>"
            opening = f"{{% if system %}}{opening}{{% else %}}{_text(plain)}{{% endif %}}"
        user = self._message(self.user, self.sep)
        if self.style == "LLAMA2":  # the opening has the first user's name
            first = "{{ m.content }}" + _text(" ")
            user = f"{{% if loop.first %}}{first}{{% else %}}{user}{{% endif %}}"
        assistant = self._message(self.assistant, self.sep if self.sep2 is None else self.sep2)
        asking = _STYLES[self.style][2].format(role=self.assistant)
        return (
            "{% if messages and messages[0].role == 'system' %}"
            "{% set system = messages[0].content %}{% set rest = messages[1:] %}"
            f"{{% else %}}{{% set system = {json.dumps(self.system_message)} %}}"
            "{% set rest = messages %}{% endif %}"
            f"{opening}"
            "{% for m in rest %}"
            f"{{% if m.role == 'user' %}}{user}"
            f"{{% elif m.role == 'assistant' %}}{assistant}"
            "{% else %}{{ raise_exception('a message must be of the user or the assistant') }}"
            "{% endif %}{% endfor %}"
            f"{{% if add_generation_prompt %}}{_text(asking)}{{% endif %}}"
        )

    def _message(self, role: str, sep: str) -> str:
        before, behind, _ = _STYLES[self.style]
        content = "{{ m.content }}" if self.style != "LLAMA3" else "{{ m.content | trim }}"
        return f"{_text(before.format(role=role))}{content}{_text(behind.format(sep=sep))}"


def _text(text: str) -> str:
    """Return Jinja that writes a text, whatever it holds."""
    return f"{{{{ {json.dumps(text)} }}}}" if text else ""


_SIGHTED = (
    "You are a helpful language and vision assistant. You are able to understand the visual "
    "content that the user provides, and assist the user with a variety of tasks using natural "
    "language."
)
_CHATML = Conversation(
    style="CHATML",
    system="<|im_start|>system\n{system_message}",
    system_message="You are a helpful assistant.",
    user="<|im_start|>user",
    assistant="<|im_start|>assistant",
    sep="<|im_end|>",
    stop=("<|endoftext|>", "<|im_end|>"),
)
_LLAMA3 = Conversation(
    style="LLAMA3",
    system="<|start_header_id|>system<|end_header_id|>\n\n{system_message}<|eot_id|>",
    system_message=_SIGHTED,
    user="user",
    assistant="assistant",
    sep="",
    stop=("<|end_of_text|>", "<|eot_id|>"),
)
CONVERSATIONS = {
    "chatml": _CHATML,
    "chatml-llava": _CHATML,
    "qwen2-vl": _CHATML,
    "llama-2": Conversation(
        style="LLAMA2",
        system="[INST] <<SYS>>\n{system_message}\n<</SYS>>\n\n",
        user="[INST]",
        assistant="[/INST]",
        sep=" ",
        sep2=" </s><s>",
        stop=("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    ),
    "llama_3_vision": _LLAMA3,
    "llava_llama_3": _LLAMA3,
    "vicuna_v1.1": Conversation(
        style="ADD_COLON_TWO",
        system="{system_message}",
        system_message=(
            "A chat between a curious user and an artificial intelligence assistant. "
            "The assistant gives helpful, detailed, and polite answers to the user's questions."
        ),
        user="USER",
        assistant="ASSISTANT",
        sep=" ",
        sep2="</s>",
    ),
}


def read_conversation(path: Path) -> Conversation:
    """Read a JSON file with ``system``, ``user``, ``assistant``, ``sep_style`` and so on.

    Raises:
        ValueError: it is missing or broken; the message names the key.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    data = read_object(path)
    known = {
        "name", "system", "system_message", "user", "assistant", "sep_style", "sep", "stop_str"
    }  # fmt: skip
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(f"{path}: unknown key `{unknown[0]}`; known: {', '.join(sorted(known))}")
    style = _string(path, data, "sep_style")
    if style not in _STYLES:
        raise ValueError(f"{path}: `sep_style` is {style!r}; known: {', '.join(_STYLES)}")
    stop = data.get("stop_str")
    stops = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stops, list) or not all(isinstance(s, str) and s for s in stops):
        raise ValueError(f"{path}: `stop_str` must be a text or a list of texts")
    return Conversation(
        style=style,
        system=_string(path, data, "system") + "\n{system_message}",
        system_message=_string(path, data, "system_message", ""),
        user=_string(path, data, "user"),
        assistant=_string(path, data, "assistant"),
        sep=_string(path, data, "sep", "\n"),
        stop=tuple(stops),
    )


def _string(path: Path, data: dict[str, Any], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{path}: `{key}` must be a text")
    return value
