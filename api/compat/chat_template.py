"""``sglang.lang.chat_template``: templates by name and path, and templates of one's own."""

from __future__ import annotations

from sglc.runtime.tokenizer.frontend_template import ChatTemplateStyle
from sglc.runtime.tokenizer.frontend_template import FrontendTemplate as ChatTemplate
from sglc.runtime.tokenizer.frontend_templates import (
    get_chat_template,
    get_chat_template_by_model_path,
)
from sglc.runtime.tokenizer.frontend_templates import register as register_chat_template
from sglc.runtime.tokenizer.frontend_templates import (
    register_matcher as register_chat_template_matching_function,
)

__all__ = [
    "ChatTemplate",
    "ChatTemplateStyle",
    "get_chat_template",
    "get_chat_template_by_model_path",
    "register_chat_template",
    "register_chat_template_matching_function",
]
