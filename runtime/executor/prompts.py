"""Nodes that build prompts: text and roles onto streams, forks, branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.plan.data import Branch, DataError, describe, format_value
from sglc.compiler.plan.media import Picture
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text, alternating
from sglc.compiler.plan.sites import path_text
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import LimitError, OpError, Poison
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.frame import Frame, Join
from sglc.runtime.executor.loops import ManyRegion
from sglc.runtime.executor.regions import Exit
from sglc.runtime.executor.stream import Stream

if TYPE_CHECKING:
    from sglc.runtime.executor.machine import Machine, Starter


def _append(
    machine: Machine, frame: Frame, node: NodeCode, stream: Stream, segment: Segment
) -> None:
    after = stream.append(segment)
    frame.note(node, after)
    machine.done(frame, node, after)


def start_stream(machine: Machine, frame: Frame, node: NodeCode) -> None:
    machine.done(frame, node, Stream(frame.run.encoder, most_chars=machine.most_chars))


def start_entry(machine: Machine, frame: Frame, node: NodeCode) -> None:
    """The first stream of a prompt: fresh when it is called, the caller's when it is included."""
    fresh = Stream(frame.run.encoder, most_chars=machine.most_chars)
    machine.done(frame, node, frame.entry or fresh)


def start_put(machine: Machine, frame: Frame, node: NodeCode) -> None:
    text = format_value(frame.values[node.args[1]])
    machine.weigh(frame.run, text)
    segment = Special(text) if node.attrs.get("special") else Text(text)
    _append(machine, frame, node, frame.values[node.args[0]], segment)


def start_markup(machine: Machine, frame: Frame, node: NodeCode) -> None:
    stream = frame.values[node.args[0]]
    for segment in alternating(frame.values[node.args[1]]):
        stream = stream.append(segment)
    frame.note(node, stream)
    machine.done(frame, node, stream)


def start_role(machine: Machine, frame: Frame, node: NodeCode) -> None:
    make = RoleBegin if node.op == "role.begin" else RoleEnd
    stream = frame.values[node.args[0]]
    _append(machine, frame, node, stream, make(node.attrs["role"]))


def start_child(machine: Machine, frame: Frame, node: NodeCode) -> None:
    stream, *number = (frame.values[slot] for slot in node.args)
    machine.done(frame, node, stream.with_lineage(stream.lineage.child(*number)))


def start_media(machine: Machine, frame: Frame, node: NodeCode) -> None:
    """Append a picture: an address that begins with ``data:`` or ``http``, or a ``Picture``."""
    encoder, given = frame.run.encoder, frame.values[node.args[1]]
    make = getattr(encoder.tokenizer, "new_media", None)
    if make is None:
        raise OpError("model", "the model takes text only: no images, no videos")
    picture = given if isinstance(given, Picture) else Picture("image", str(given))
    if not picture.url.startswith(("data:", "http://", "https://")):
        raise OpError("data", "a picture is given by an address of http(s): or data:")
    shown = getattr(getattr(encoder, "template", None), "image_token", "")
    segment = make(picture.kind, picture.url, shown)
    _append(machine, frame, node, frame.values[node.args[0]], segment)


def start_slice(machine: Machine, frame: Frame, node: NodeCode) -> None:
    start, end = (frame.values[slot] for slot in node.args)
    text = end.since(start, is_marked=node.attrs.get("marked") is True)
    machine.weigh(frame.run, text)
    machine.done(frame, node, text)


def start_text(machine: Machine, frame: Frame, node: NodeCode) -> None:
    text = frame.values[node.args[0]].text
    machine.weigh(frame.run, text)
    machine.done(frame, node, text)


def start_messages(machine: Machine, frame: Frame, node: NodeCode) -> None:
    messages = frame.values[node.args[0]].messages()
    for message in messages:
        machine.weigh(frame.run, message["content"])
    machine.done(frame, node, messages)


def start_branch(machine: Machine, frame: Frame, node: NodeCode) -> None:
    entry, end = (frame.values[slot] for slot in node.args)
    fields = {name: frame.values[slot] for name, slot in node.kwargs}
    made = _branch(entry, end, fields)
    machine.weigh(frame.run, made.text)
    if node.path:  # one of a fork, and not a side: it tells its end
        name = str(node.attrs.get("name") or "")
        frame.run.log.add(RunEvent("branch", name, path_text(frame.place(node)), made.text))
    machine.done(frame, node, made)


def _branch(entry: Stream, end: Stream, fields: Mapping[str, Any]) -> Branch:
    return Branch(fields, end.since(entry), end, end.logprob - entry.logprob)


class ForkRegion(ManyRegion):
    """``fork``: a branch per element, or per name, from the same version of the stream."""

    __slots__ = ("_names",)

    def run(self, machine: Machine, items: Sequence[Any] | None) -> None:
        """Start the branches; ``items`` None means one per name."""
        frame, node = self.frame, self.node
        self._names = [] if items is not None else [str(block.case[0]) for block in node.blocks]
        given = self._names if items is None else items
        self.begin(machine, len(given))
        for number, item in enumerate(given):
            code = node.blocks[number if items is None else 0]
            branch = self.enter(machine, code, number, is_branch=True)
            machine.link(frame, node.args[0], branch, code.params[0])
            if items is not None:
                for param, value in zip(code.params[1:], (item, number), strict=False):
                    machine.resolve(branch, param, value)

    def element(self, machine: Machine, child: Frame, left: Exit) -> None:
        """A branch exists when its stream and all of its captures do."""
        names = [name for name, _ in left.names]

        def joined(machine: Machine, values: list[Any] | Poison) -> None:
            result: Branch | Poison
            if isinstance(values, Poison):
                result = values
            else:
                entry = child.values[child.code.params[0]]
                fields = dict(zip(names, values[1:], strict=True))
                try:
                    result = _branch(entry, values[0], fields)
                except DataError as error:
                    result = machine.fail(self.frame, self.node, error)
            if isinstance(result, Branch):
                path = path_text(child.path)
                name = self._names[child.turn] if self._names else ""
                self.frame.run.log.add(RunEvent("branch", name, path, result.text))
            self.put(machine, child.turn, result)

        join = Join(child.run, 1 + len(names), joined)
        machine.link(left.source, left.slots[0], join, 0)
        for number, (_, slot) in enumerate(left.names, 1):
            machine.link(left.source, slot, join, number)

    def result(self, values: list[Any]) -> Any:
        return dict(zip(self._names, values, strict=True)) if self._names else tuple(values)


def start_fork(machine: Machine, frame: Frame, node: NodeCode) -> None:
    items = frame.values[node.args[1]] if len(node.args) > 1 else None
    if items is not None:
        if not isinstance(items, list | tuple):
            raise OpError("data", f"`fork` takes a list, not {describe(items)}")
        limit = frame.run.limits.max_fork_width
        if len(items) > limit:
            raise LimitError(f"a fork of more than {limit} branches")
    ForkRegion(frame, node).run(machine, items)


PROMPTS: Final[Mapping[str, Starter]] = {
    "branch": start_branch,
    "child": start_child,
    "entry": start_entry,
    "fork": start_fork,
    "markup": start_markup,
    "media": start_media,
    "messages": start_messages,
    "put": start_put,
    "role.begin": start_role,
    "role.end": start_role,
    "slice": start_slice,
    "stream": start_stream,
    "text": start_text,
}
