"""The package list is written by hand: it names every folder, a build carries every file."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = CONFIG["tool"]["setuptools"]
SETUP = (sys.executable, "-c", "import setuptools; setuptools.setup()", "-q")
CARRIED = {
    ".py",
    ".lark",
    ".sgl",
    ".json",
    ".safetensors",
    ".typed",
    ".html",
    ".css",
    ".js",
    ".svg",
}
FOLDERS: dict[str, str] = SETUPTOOLS["package-dir"]


def folder_of(package: str) -> Path:
    best = max((p for p in FOLDERS if package == p or package.startswith(p + ".")), key=len)
    rest = package.removeprefix(best).lstrip(".")
    return ROOT.joinpath(FOLDERS[best], *rest.split(".")) if rest else ROOT / FOLDERS[best]


def test_every_package_is_listed_and_sorted() -> None:
    listed = SETUPTOOLS["packages"]
    found = [
        ".".join((package, *init.parent.relative_to(ROOT / folder).parts))
        for package, folder in FOLDERS.items()
        for init in (ROOT / folder).rglob("__init__.py")
    ]
    assert sorted(found) == listed


def test_every_listed_package_is_a_folder() -> None:
    for package in SETUPTOOLS["packages"]:
        assert (folder_of(package) / "__init__.py").is_file(), package


def test_no_folder_shadows_the_package() -> None:
    assert not (ROOT / "sglc").exists()
    assert not (ROOT / "__init__.py").exists()


def test_build_carries_every_module_and_data_file(tmp_path: Path) -> None:
    """What ``build_py`` copies is what a wheel holds."""
    subprocess.run(
        [*SETUP, "build_py", "--build-lib", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for package, folder in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in CARRIED:
                continue
            inside = Path(*package.split(".")) / path.relative_to(ROOT / folder)
            assert (tmp_path / inside).is_file(), f"missing from the build: {inside}"


def test_base_install_needs_only_the_parser_and_greenlets() -> None:
    names = [requirement.split(">")[0] for requirement in CONFIG["project"]["dependencies"]]
    assert names == ["greenlet", "lark"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, sglc, sglc.cli.main; "
        "heavy = {'torch', 'greenlet', 'numpy', 'transformers', 'tokenizers', 'lark', 'jinja2'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("made", "missing", "extra"),
    [
        ("sglc.Engine()", "numpy", "local"),
        ("sglc.RuntimeEndpoint('http://127.0.0.1:9')", "httpx2", "clients"),
        ("sglc.Anthropic('claude', api_key='k')", "httpx2", "clients"),
        ("sglc.Gemini('gemini', api_key='k')", "httpx2", "clients"),
        ("sglc.OpenAI('gpt', api_key='k')", "httpx2", "clients"),
    ],
)
def test_a_backend_without_its_packages_names_the_extra(
    made: str, missing: str, extra: str
) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; import sglc\n"
        f"try: {made}\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == f"this needs {missing}: pip install 'sglc[{extra}]'"


def test_the_modules_that_the_documentation_names_are_there() -> None:
    code = (
        "import sglc; sglc.types.as_constraint(int); sglc.constraints.regex('a'); sglc.compat; "
        "print([name for name in ('types', 'constraints', 'compat') if name not in dir(sglc)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
