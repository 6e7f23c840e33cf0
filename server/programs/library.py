"""The programs of all tenants: compiled when they are used, kept while they are."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sglc.compiler.plan.arguments import ArgumentError, bind_arguments
from sglc.compiler.plan.plan import Function
from sglc.server.errors import ApiError, bad_request
from sglc.server.programs.compilers import Compilers
from sglc.server.programs.folder import ProgramFolder
from sglc.server.programs.upload import Build, Built, Show, Upload


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program. ``functions`` are the prompts that can be run, without their bodies.

    ``id`` is that of the upload, and ``num_bytes`` about what is kept of it: both take long to find
    out, and are asked for again and again.
    """

    id: str
    upload: Upload
    built: Built
    functions: Mapping[str, Function]
    created: int
    num_bytes: int

    @classmethod
    def of(cls, upload: Upload, built: Built, created: int) -> Program:
        """Return the program that was ``built`` of an upload."""
        num_bytes = len(built.plan) + len(upload.source or "") + len(str(upload.graph or ""))
        functions = pickle.loads(built.functions)
        return cls(upload.id, upload, built, functions, created, num_bytes)

    def prompt(self, name: str | None) -> str:
        """Return the name of the prompt to run.

        Raises:
            ApiError: 400: there is no such prompt, or several to choose from.
        """
        names = ", ".join(self.functions)
        if name is None and self.built.entry is None:
            raise bad_request(f"prompt: the program has several, name one: {names}", "prompt")
        chosen = name or self.built.entry
        if chosen not in self.functions:
            raise bad_request(f"prompt: no prompt `{chosen}` (there is {names})", "prompt")
        assert chosen is not None
        return chosen

    def bind(self, prompt: str, arguments: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Return the arguments of a run, those that the program was compiled for included.

        Raises:
            ApiError: 400, naming the parameter under ``place``.
        """
        known = self.upload.known
        for name, value in arguments.items():
            if name in known and value != known[name]:
                raise bad_request(
                    f"{place}.{name}: the program was compiled for another value (`known`)",
                    f"{place}.{name}",
                )
        function = self.functions[prompt]
        try:
            bind_arguments(function, {**known, **arguments})
        except ArgumentError as error:
            named = [p.name for p in function.params if f"`{p.name}`" in error.problems[0]]
            named += [name for name in arguments if f"`{name}`" in error.problems[0]]
            param = f"{place}.{named[0]}" if named else place
            raise bad_request(f"{place}: {'; '.join(error.problems)}", param) from None
        return {**known, **arguments}


class Library:
    """Programs by tenant and id; of those in memory the one used longest ago is let go of."""

    def __init__(
        self,
        folder: ProgramFolder,
        compilers: Compilers,
        *,
        max_programs: int,
        max_bytes: int = 128 << 20,
    ) -> None:
        self._folder = folder
        self._compilers = compilers
        self._max_programs = max_programs
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, str], Program] = OrderedDict()
        self._num_bytes = 0  # of those
        self._coming: dict[tuple[str, str], asyncio.Task[Program]] = {}

    async def add(self, tenant: str, upload: Upload) -> Program:
        """Compile and keep a program; one that is there already stays as it is.

        Raises:
            ProgramError: 422: it has errors, or takes too much.
            ApiError: 409, 429, 507: there are too many, or there is no room.
        """

        async def make() -> Program:
            built = await self._compilers.build(tenant, Build(upload))
            created = await asyncio.to_thread(
                self._folder.write, tenant, upload, self._max_programs
            )
            return self._keep(tenant, Program.of(upload, built, created))

        return await self._once((tenant, upload.id), make)

    async def check(self, tenant: str, upload: Upload) -> Program:
        """Compile a program, and keep nothing of it.

        Raises:
            ProgramError: 422: it has errors, or takes too much.
            ApiError: 429: too many are being compiled.
        """
        known = self._kept.get((tenant, upload.id))
        if known is not None:
            return known
        built = await self._compilers.build(tenant, Build(upload))
        return Program.of(upload, built, int(time.time()))

    async def get(self, tenant: str, program_id: str) -> Program:
        """Return a program of a tenant.

        Raises:
            ApiError: 404: it has no such program; 500: what is on disk is damaged.
        """

        async def make() -> Program:
            stored = await asyncio.to_thread(self._folder.read, tenant, program_id)
            if stored is None:
                raise _unknown(program_id)
            built = await self._compilers.build(tenant, Build(stored.upload))
            if await asyncio.to_thread(self._folder.read, tenant, program_id) is None:
                raise _unknown(program_id)  # it was removed meanwhile
            return self._keep(tenant, Program.of(stored.upload, built, stored.created))

        return await self._once((tenant, program_id), make)

    async def show(self, tenant: str, question: Show) -> bytes:
        """Write a program down in one of its forms.

        Raises:
            ApiError: as ``Compilers.show``.
        """
        return await self._compilers.show(tenant, question)

    async def ids(self, tenant: str) -> Sequence[str]:
        """Return the ids of all programs of a tenant."""
        return await asyncio.to_thread(self._folder.ids, tenant)

    async def remove(self, tenant: str, program_id: str) -> None:
        """Forget a program; runs of it go on.

        Raises:
            ApiError: 404: the tenant has no such program.
        """
        is_there = await asyncio.to_thread(self._folder.remove, tenant, program_id)
        self._coming.pop((tenant, program_id), None)  # who uploads it again waits for another one
        self._drop((tenant, program_id))
        if not is_there:
            raise _unknown(program_id)

    async def _once(
        self, key: tuple[str, str], make: Callable[[], Coroutine[Any, Any, Program]]
    ) -> Program:
        """Return a program that is kept, or made now, once for all who ask for it meanwhile."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        task = self._coming.get(key)
        if task is None:
            task = self._coming[key] = asyncio.create_task(make())
            task.add_done_callback(lambda done: self._came(key, done))
        return await asyncio.shield(task)

    def _came(self, key: tuple[str, str], task: asyncio.Task[Program]) -> None:
        if self._coming.get(key) is task:
            del self._coming[key]
        if not task.cancelled():
            task.exception()  # told to whoever still waits

    def _keep(self, tenant: str, program: Program) -> Program:
        self._drop((tenant, program.id))
        self._kept[tenant, program.id] = program
        self._num_bytes += program.num_bytes
        while self._num_bytes > self._max_bytes and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        return program

    def _drop(self, key: tuple[str, str]) -> None:
        program = self._kept.pop(key, None)
        self._num_bytes -= 0 if program is None else program.num_bytes


def _unknown(program_id: str) -> ApiError:
    return ApiError(404, f"there is no program `{program_id[:80]}`", code="program_not_found")
