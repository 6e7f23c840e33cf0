"""Chat templates as published: Jinja, in a sandbox, with what transformers offers inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.ext import Extension, LoopControlExtension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment


class RefusedError(ValueError):
    """The template does not take these messages."""


class _Generation(Extension):
    """``{% generation %}`` marks what a model wrote, for training; here it is just its body."""

    tags = {"generation"}  # noqa: RUF012  # the base class declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise(message: str) -> str:
    raise TemplateError(message)


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


class JinjaTemplate:
    """One compiled template. ``names`` are the tokens' strings, ``variables`` what else it has.

    ``reads`` are the variables that it looks at, such as ``tools``.

    Raises:
        ValueError: it is not valid Jinja.
    """

    def __init__(self, source: str, names: Mapping[str, str], variables: Mapping[str, Any]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[LoopControlExtension, _Generation]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        self.source = source
        self._variables = {"tools": None, "documents": None, **names, **variables}
        try:
            self._template = environment.from_string(source)
            self.reads = frozenset(meta.find_undeclared_variables(environment.parse(source)))
        except TemplateSyntaxError as error:
            raise ValueError(f"chat template, line {error.lineno}: {error.message}") from None

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the text of a conversation; ``variables`` come before those of the template.

        Raises:
            RefusedError: the template refuses these messages, or fails on them.
        """
        try:
            return self._template.render(
                {
                    **self._variables,
                    **(variables or {}),
                    "messages": [dict(m) for m in messages],
                    "add_generation_prompt": add_generation_prompt,
                }
            )
        except SecurityError as error:
            raise RefusedError(f"chat template does what it may not: {error}") from None
        except TemplateError as error:
            raise RefusedError(f"chat template refuses: {error}") from None
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise RefusedError(f"chat template fails: {error}") from None
