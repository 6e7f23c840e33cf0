"""Run a script that was written for SGLang.

python -m sglc.compat script.py --its-own-arguments
python -m sglc.compat --backend local --chat-template chatml script.py
"""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sglc.backends.backend import set_default_backend
from sglc.backends.endpoint import RuntimeEndpoint
from sglc.backends.engine import Engine
from sglc.compat.backends import local, redirection
from sglc.compat.chat_template import get_chat_template
from sglc.compat.importing import install, uninstall
from sglc.compat.settings import seeds
from sglc.runtime.models.errors import ModelError
from sglc.runtime.remote.errors import RemoteError

_FAILED: Final = 3
"""What a process ends with whose run failed, as the commands of ``sglc`` do."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sglc.compat",
        description="Run a script that imports sglang as it is. Its backends may be led elsewhere.",
    )
    parser.add_argument(
        "--backend",
        metavar="local|URL",
        help="run on a model in this process or on another server, whatever RuntimeEndpoint and "
        "Runtime the script names; it is the default backend too",
    )
    parser.add_argument(
        "--model", default="embedded", metavar="PATH", help="the model of --backend local"
    )
    parser.add_argument(
        "--chat-template",
        metavar="NAME",
        help="of the messages of --backend; else the one of the model's path",
    )
    parser.add_argument("--seed", type=int, help="draw the same samples as another run with it")
    parser.add_argument("script", help="the script's file")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="the script's own arguments")
    return parser


def _elsewhere(args: argparse.Namespace) -> Callable[[], Engine | RuntimeEndpoint] | None:
    if args.backend is None:
        return None
    if args.backend == "local":
        return lambda: local(args.model, args.chat_template, random_seed=args.seed or 0)
    return lambda: RuntimeEndpoint(args.backend, chat_template_name=args.chat_template)


def run_script(args: argparse.Namespace) -> None:
    """Run the script as ``__main__``, with its own arguments."""
    script = Path(args.script)
    if args.seed is not None:
        seeds.start(args.seed)
    redirection.set(_elsewhere(args))
    finder = install()
    argv, path = sys.argv, list(sys.path)
    sys.argv = [args.script, *args.args]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        try:
            set_default_backend(redirection.backend())
        except (ModelError, RemoteError) as error:
            print(f"python -m sglc.compat: --backend {args.backend}: {error}", file=sys.stderr)
            sys.exit(_FAILED)
        runpy.run_path(args.script, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
        set_default_backend(None)
        redirection.set(None)
        uninstall(finder)


def main(words: Sequence[str] | None = None) -> int:
    """Run a script; wrong usage is 2, and what the script raises is raised."""
    parser = _parser()
    args = parser.parse_args(words)
    if args.backend is None and (args.chat_template or args.model != "embedded"):
        parser.error("--model and --chat-template are of --backend, which is not given")
    if args.chat_template is not None:
        try:
            get_chat_template(args.chat_template)
        except KeyError as error:
            parser.error(f"--chat-template: {error.args[0]}")
    if not Path(args.script).is_file():
        parser.error(f"{args.script}: no such file")
    run_script(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
