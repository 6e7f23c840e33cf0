"""Replies on their way: in order, each once, however slowly they are taken."""

from __future__ import annotations

import itertools
import socket
import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.server.engine import frames
from sglc.server.engine.messages import Written
from sglc.server.engine.sender import Sender


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 60_000), min_size=1, max_size=20),
    pauses=st.lists(st.booleans(), min_size=1, max_size=5),
)
def test_all_is_sent_in_order_and_nobody_waits(sizes: list[int], pauses: list[bool]) -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 12)
    found: list[Written] = []

    def take() -> None:
        for pause in itertools.cycle(pauses):
            time.sleep(0.001 * pause)
            found.extend(frames.receive(theirs))
            if len(found) == len(sizes):
                return

    with ours, theirs:
        sender = Sender(ours)
        sent = [Written(number, 0, "x" * size) for number, size in enumerate(sizes)]
        for written in sent:  # nobody takes any of it yet
            sender.send([written])
        taker = threading.Thread(target=take)
        taker.start()
        taker.join(10)
        assert found == sent
        more = Written(-1, 0, "more")
        sender.send([more])
        sender.close(10)
        assert frames.receive(theirs) == [more]


def test_a_side_that_is_gone_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        sender = Sender(ours)
        theirs.close()
        for _ in range(3):
            sender.send([Written(1, 0, "x" * 100_000)])
        sender.close(10)
