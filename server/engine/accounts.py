"""Whose jobs they are: what is asked before one begins, and who is told what becomes of it."""

from __future__ import annotations

from typing import Protocol

from sglc.server.engine.messages import JobReply


class Account(Protocol):
    """What one job is counted on."""

    def replied(self, reply: JobReply) -> None:
        """The engine has said something about the job."""

    def ended(self) -> None:
        """The job is over, or was cancelled. Called once."""


class Accounts(Protocol):
    """Who asks, as far as the engine's client has to know."""

    def namespace(self) -> str:
        """Return the namespace of what is asked now; see ``StreamRequest``."""

    def open(self) -> Account:
        """Begin to count a job that is asked for now.

        Raises:
            ApiError: who asks for it may have no more.
        """


class NoAccounts:
    """Everybody may have everything, and nothing is counted."""

    def namespace(self) -> str:
        """Return that of all."""
        return ""

    def open(self) -> Account:
        """Count nothing."""
        return self

    def replied(self, reply: JobReply) -> None:
        """Count nothing."""

    def ended(self) -> None:
        """Count nothing."""
