"""The chat templates that SGLang's frontend knows by name, and which one a model is given."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from sglc.runtime.tokenizer.frontend_template import ChatTemplateStyle, FrontendTemplate

_TEMPLATES: dict[str, FrontendTemplate] = {}
_MATCHERS: list[Callable[[str], FrontendTemplate | None]] = []


def register(template: FrontendTemplate) -> FrontendTemplate:
    """Let a template be found by its name; one of the same name is replaced."""
    _TEMPLATES[template.name] = template
    return template


def register_matcher(
    match: Callable[[str], FrontendTemplate | None],
) -> Callable[[str], FrontendTemplate | None]:
    """Let a function choose the template of a model's path that none was chosen for so far."""
    _MATCHERS.append(match)
    return match


def template_names() -> list[str]:
    """Return the names that are known."""
    return list(_TEMPLATES)


def get_chat_template(name: str) -> FrontendTemplate:
    """Return a template by its name.

    Raises:
        KeyError: there is none; the message names those that there are.
    """
    if name not in _TEMPLATES:
        near = get_close_matches(name, _TEMPLATES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_TEMPLATES)}"
        raise KeyError(f"there is no chat template {name!r}; {hint}")
    return _TEMPLATES[name]


def get_chat_template_by_model_path(model_path: str) -> FrontendTemplate:
    """Return the template that SGLang's frontend takes for a model; ``default`` if for none."""
    path = model_path.lower()
    for name, words, without, alternatives in _PATHS:
        fits = all(word in path for word in words) and not (without and without in path)
        if fits and (not alternatives or any(word in path for word in alternatives)):
            return _TEMPLATES[name]
    chosen = (match(model_path) for match in _MATCHERS)
    return next((each for each in chosen if each is not None), _TEMPLATES["default"])


def _plain(
    name: str,
    roles: tuple[tuple[str, str], tuple[str, str], tuple[str, str]],
    *,
    system: str | None = None,
    stop: tuple[str, ...] = (),
    image: str = "<image>",
    style: ChatTemplateStyle = ChatTemplateStyle.PLAIN,
) -> None:
    """Register a template; ``roles`` are those of system, user and assistant."""
    register(
        FrontendTemplate(
            name=name,
            default_system_prompt=system,
            role_prefix_and_suffix=dict(zip(("system", "user", "assistant"), roles, strict=True)),
            stop_str=stop,
            image_token=image,
            style=style,
        )
    )


_HELPFUL = "You are a helpful assistant."
_VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_YI_VL = (
    "This is a chat between an inquisitive human and an AI assistant. Assume the role of the AI "
    "assistant. Read all the images carefully, and respond to the human's questions with "
    "informative, helpful, detailed and polite answers."
    "这是一个好奇的人类和一个人工智能助手之间的对话。假设你扮演这个AI助手的角色。"
    "仔细阅读所有的图像，并对人类的问题做出信息丰富、有帮助、详细的和礼貌的回答。"
)
_DBRX = (
    "You are DBRX, created by Databricks. You were last updated in December 2023. You answer "
    "questions based on information available up to that point.\n"
    "YOU PROVIDE SHORT RESPONSES TO SHORT QUESTIONS OR STATEMENTS, but provide thorough responses "
    "to more complex and open-ended questions.\n"
    "You assist with various tasks, from writing to coding (using markdown for code blocks — "
    "remember to use ``` with code, JSON, and tables).\n"
    "(You do not have real-time data access or code execution capabilities. You avoid stereotyping "
    "and provide balanced perspectives on controversial topics. You do not provide song lyrics, "
    "poems, or news articles and do not divulge details of your training data.)\n"
    "This is your system prompt, guiding your responses. Do not reference it, just respond to the "
    "user. If you find yourself talking about this message, stop. You should be responding "
    "appropriately and usually that means not mentioning this.\n"
    "YOU DO NOT MENTION ANY OF THIS INFORMATION ABOUT YOURSELF UNLESS THE INFORMATION IS DIRECTLY "
    "PERTINENT TO THE USER'S QUERY."
)


def _chatml(role: str) -> tuple[str, str]:
    return f"<|im_start|>{role}\n", "<|im_end|>\n"


def _llama3(role: str) -> tuple[str, str]:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>"


def _command(role: str) -> tuple[str, str]:
    return f"<|START_OF_TURN_TOKEN|><|{role}_TOKEN|>", "<|END_OF_TURN_TOKEN|>"


def _granite(role: str) -> tuple[str, str]:
    return f"<|start_of_role|>{role}<|end_of_role|>", "<|end_of_text|>"


_CHATML = (_chatml("system"), _chatml("user"), _chatml("assistant"))
_LLAMA3 = (_llama3("system"), _llama3("user"), _llama3("assistant"))
_IM_END = ("<|im_end|>",)

_plain("default", (("SYSTEM:", "\n"), ("USER:", "\n"), ("ASSISTANT:", "\n")))
_plain("claude", (("", ""), ("\n\nHuman: ", ""), ("\n\nAssistant:", "")))
_plain("chatml", _CHATML, stop=_IM_END)
_plain("chatml-llava", _CHATML, system=_HELPFUL, stop=_IM_END, image="<image>\n")
_plain("qwen", _CHATML, system=_HELPFUL, stop=_IM_END)
_plain(
    "qwen2-vl",
    _CHATML,
    system=_HELPFUL,
    stop=_IM_END,
    image="<|vision_start|><|image_pad|><|vision_end|>",
)
_plain(
    "vicuna_v1.1",
    (("", " "), ("USER:", " "), ("ASSISTANT:", "</s>")),
    system=_VICUNA,
    image=" <image>\n",
)
_plain(
    "llama-2-chat",
    (("<<SYS>>\n", "\n<</SYS>>\n\n"), ("[INST] ", " [/INST]"), ("", " </s><s>")),
    style=ChatTemplateStyle.LLAMA2,
)
_plain("llama-3-instruct", _LLAMA3, stop=("<|eot_id|>",), image="<|image|>")
_plain("llama-3-instruct-llava", _LLAMA3, stop=("<|eot_id|>",), image="<image>\n")
_plain(
    "yi-1.5",
    (
        ("", ""),
        ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"),
        ("", "<|im_end|>\n"),
    ),
    stop=_IM_END,
)
_plain(
    "yi-vl",
    (("", "\n\n"), ("### Human:", "\n"), ("### Assistant:", "\n")),
    system=_YI_VL,
    image=" <image_placeholder>\n",
)
_plain(
    "gemma-it",
    (
        ("", ""),
        ("<start_of_turn>user\n", "<end_of_turn>\n"),
        ("<start_of_turn>model\n", "<end_of_turn>\n"),
    ),
)
_plain(
    "dbrx-instruct",
    (
        ("<|im_start|>system\n", "<|im_end|>"),
        ("\n<|im_start|>user\n", "<|im_end|>"),
        ("\n<|im_start|>assistant\n", "<|im_end|>"),
    ),
    system=_DBRX,
    stop=_IM_END,
)
_plain("c4ai-command-r", (_command("SYSTEM"), _command("USER"), _command("CHATBOT")))
_plain(
    "granite-3-instruct",
    (_granite("system"), _granite("user"), _granite("assistant")),
    stop=("<|end_of_text|>",),
)

# the first that fits: all of the words, not the one behind them, one of the alternatives if any
_PATHS: tuple[tuple[str, tuple[str, ...], str, tuple[str, ...]], ...] = (
    ("dbrx-instruct", ("dbrx", "instruct"), "", ()),
    ("vicuna_v1.1", (), "", ("vicuna", "llava-v1.5", "llava-next-video-7b")),
    ("llama-2-chat", ("llama-2", "chat"), "", ()),
    ("llama-2-chat", ("instruct",), "", ("mistral", "mixtral", "codellama")),
    ("llama-3-instruct", ("llama-3", "instruct"), "", ()),
    ("chatml", ("tinyllama",), "", ()),
    ("qwen", ("qwen",), "llava", ("chat", "instruct")),
    (
        "chatml-llava",
        (),
        "",
        ("llava-v1.6-34b", "llava-v1.6-yi-34b", "llava-next-video-34b", "llava-onevision-qwen2"),
    ),
    ("yi-vl", ("yi-vl",), "llava", ()),
    ("yi-1.5", ("yi-1.5", "chat"), "", ()),
    ("gemma-it", ("gemma", "it"), "", ()),
    ("c4ai-command-r", ("c4ai-command-r",), "", ()),
    ("granite-3-instruct", ("granite", "instruct"), "", ()),
)
