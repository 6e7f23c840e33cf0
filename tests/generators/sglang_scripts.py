"""Running scripts that import ``sglang``: with SGLang's own frontend, and with ours."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from sglc.compat.__main__ import main

SCRIPTS = Path(__file__).parent.parent / "compat" / "scripts"
_BOOT = """
import runpy, sys, types
display = types.ModuleType("IPython.display")
display.__dict__.update(HTML=None, display=None)
sys.modules["IPython"], sys.modules["IPython.display"] = types.ModuleType("IPython"), display
import sglang
assert sglang.__version__ == "0.4.1"
from sglc.types import build_regex_from_object  # theirs needs what is not installed
constrained = types.ModuleType("sglang.srt.constrained")
constrained.build_regex_from_object = build_regex_from_object
sys.modules["sglang.srt"], sys.modules["sglang.srt.constrained"] = constrained, constrained
url, script, *sys.argv = sys.argv[1], sys.argv[2], *sys.argv[2:]
own = sglang.RuntimeEndpoint
sglang.RuntimeEndpoint = lambda *_, **options: own(url, **options)
class Started:
    def __init__(self, *args, **options):
        self.endpoint = own(url)
    def shutdown(self):
        pass
sglang.Runtime = Started
runpy.run_path(script, run_name="__main__")
"""


def run_with_sglang(url: str, script: str, *args: str) -> str:
    """Run a script with SGLang's own frontend, its server at ``url``; return what it prints."""
    command = [sys.executable, "-c", _BOOT, url, str(SCRIPTS / script), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def has_sglang() -> bool:
    """Whether SGLang's own frontend is installed."""
    return importlib.util.find_spec("sglang") is not None


def run_here(script: str, *args: str, options: tuple[str, ...]) -> None:
    """Run a script with our frontend in this process; ``options`` stand before it."""
    assert main([*options, str(SCRIPTS / script), *args]) == 0
