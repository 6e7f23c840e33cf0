"""``tools`` and ``tool_choice``: what may be called, and how the model is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sglc.runtime.tokenizer.call_form import CallForm
from sglc.server.errors import bad_request
from sglc.server.http.body import Body
from sglc.server.openai.calling import MAX_CALLS, Calling, Tool

MAX_TOOLS = 128


class FunctionTool(Body):
    """A function: its arguments are held to ``parameters``, be it ``strict`` or not."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolBody(Body):
    """A tool that the model may call."""

    type: Literal["function"]
    function: FunctionTool


class FunctionName(Body):
    """A function by its name."""

    name: str


class NamedTool(Body):
    """``tool_choice``: this function, and no text."""

    type: Literal["function"]
    function: FunctionName


class AllowedTools(Body):
    """Some of the tools, and whether one of them has to be called."""

    mode: Literal["auto", "required"]
    tools: list[NamedTool] = Field(min_length=1, max_length=MAX_TOOLS)


class ToolsAllowed(Body):
    """``tool_choice``: a choice among some of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


def _kind(choice: Any) -> str:
    given = choice.get("type") if isinstance(choice, dict) else getattr(choice, "type", None)
    return {"function": "Named", "allowed_tools": "Allowed"}.get(str(given), "Word")


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("Word")]
    | Annotated[NamedTool, Tag("Named")]
    | Annotated[ToolsAllowed, Tag("Allowed")],
    Discriminator(_kind),
]


def calling_of(
    form: CallForm, tools: Sequence[ToolBody], choice: ToolChoice | None, *, parallel: bool
) -> Calling | None:
    """Return what may be called, None where nothing may.

    Raises:
        ApiError: two tools share a name, or the choice names none of them.
    """
    known: dict[str, Tool] = {}
    for i, body in enumerate(tools):
        tool = body.function
        if tool.name in known:
            raise bad_request(f"tools[{i}]: there are two tools `{tool.name}`", f"tools[{i}]")
        schema = tool.parameters or {"type": "object", "properties": {}}
        if tool.parameters is None or not tool.parameters:
            schema = schema | {"additionalProperties": False}
        known[tool.name] = Tool(tool.name, _object(schema, f"tools[{i}].function.parameters"))
    num_calls = MAX_CALLS if parallel else 1
    if not known and choice not in (None, "none", "auto"):
        raise bad_request("tool_choice asks for a call, and there are no tools", "tool_choice")
    if not known or choice == "none":
        return None
    if isinstance(choice, NamedTool):
        only = _named(known, choice, "tool_choice.function.name")
        return Calling(form, (only,), is_forced=True, num_calls=1)
    if isinstance(choice, ToolsAllowed):
        allowed = choice.allowed_tools
        some = {
            name.function.name: _named(
                known, name, f"tool_choice.allowed_tools.tools[{i}].function.name"
            )
            for i, name in enumerate(allowed.tools)
        }
        return Calling(form, tuple(some.values()), allowed.mode == "required", num_calls)
    return Calling(form, tuple(known.values()), choice == "required", num_calls)


def _object(schema: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a schema of objects, whatever else it says; arguments are nothing else."""
    if schema.get("type", "object") != "object":
        raise bad_request(f"{place}: the type of arguments is `object`", place)
    return {"type": "object", **schema}


def _named(known: dict[str, Tool], choice: NamedTool, place: str) -> Tool:
    tool = known.get(choice.function.name)
    if tool is None:
        names = ", ".join(known)
        raise bad_request(f"{place}: no tool is called `{choice.function.name}`: {names}", place)
    return tool


def told(
    messages: Sequence[dict[str, Any]], form: CallForm, tools: Sequence[ToolBody], roles: set[str]
) -> list[dict[str, Any]]:
    """Return messages for a template that knows nothing of tools: all is said in words.

    A first system message explains the tools; calls become what their assistant wrote, and
    answers are of a role that the template has.
    """
    found = []
    for message in messages:
        calls = message.get("tool_calls")
        if calls:
            pairs = [(c["function"]["name"], c["function"]["arguments"]) for c in calls]
            found.append({"role": "assistant", "content": message["content"] + form.text(pairs)})
        elif message["role"] == "tool" and "tool" not in roles:
            content = f"<tool_response>\n{message['content']}\n</tool_response>"
            found.append({"role": "user", "content": content})
        else:
            found.append(message)
    if not tools:
        return found
    explained = _explained(form, tools)
    if found and found[0]["role"] == "system":
        first = {**found[0], "content": f"{found[0]['content']}\n\n{explained}"}
        return [first, *found[1:]]
    if "system" in roles:
        return [{"role": "system", "content": explained}, *found]
    if found and found[0]["role"] == "user":
        first = {**found[0], "content": f"{explained}\n\n{found[0]['content']}"}
        return [first, *found[1:]]
    return [{"role": "user", "content": explained}, *found]


def _explained(form: CallForm, tools: Sequence[ToolBody]) -> str:
    lines = [json.dumps(_described(tool), ensure_ascii=False) for tool in tools]
    example = form.text([("NAME", {"KEY": "VALUE"})])
    told_how = "To call one, write its name and its arguments as JSON:"
    return "\n".join(
        ("You may call these functions:", "<tools>", *lines, "</tools>", told_how, example)
    )


def _described(tool: ToolBody) -> dict[str, Any]:
    return tool.function.model_dump(exclude_none=True, exclude={"strict"})


def template_tools(tools: Sequence[ToolBody]) -> list[dict[str, Any]]:
    """Return tools as chat templates read them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.function.name,
                "description": tool.function.description or "",
                "parameters": tool.function.parameters or {"type": "object", "properties": {}},
            },
        }
        for tool in tools
    ]
