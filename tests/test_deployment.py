"""What ships a server: every file it names is there, every flag exists, it ends in time."""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import shlex
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from sglc.cli import serve
from sglc.cli.abbreviations import spelled_out
from sglc.cli.unserved_flags import check_unserved

ROOT = Path(__file__).parent.parent
DOCKERFILES = sorted((ROOT / "docker").glob("Dockerfile*"))
KNOWN = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
}  # fmt: skip


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile: comments left out, continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def flags(words: list[str]) -> argparse.Namespace:
    """Read flags as the command does."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    serve.add_arguments(parser)
    args = parser.parse_args(spelled_out(words))
    check_unserved(args)
    return args


def served_by(path: Path) -> list[str]:
    """The flags in the entry point of an image."""
    words: list[str] = json.loads(dict(instructions(path))["ENTRYPOINT"])
    assert words[:2] == ["sglc", "serve"]
    return words[2:]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_is_built_of_what_is_there(path: Path) -> None:
    found = instructions(path)
    assert {name for name, _ in found} <= KNOWN
    copied = [words.split() for name, words in found if name == "COPY" and "--from" not in words]
    sources = [source for words in copied for source in words[:-1]]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    folders = {f"{name}/" for name in package_folders()}
    assert folders <= set(sources)
    assert [words for words in copied if words[0] in folders and words[1] != words[0]] == []
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert {source.rstrip("/") for source in sources} == kept


def package_folders() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return set(config["tool"]["setuptools"]["package-dir"].values())


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_serves_as_nobody_on_its_port(path: Path) -> None:
    found = dict(instructions(path))
    last_user = [words for name, words in instructions(path) if name == "USER"][-1]
    assert last_user.split(":")[0].isdecimal()
    assert int(last_user.split(":")[0]) > 0
    args = flags(served_by(path) + json.loads(found["CMD"]))
    assert (args.host, str(args.port)) == ("0.0.0.0", found["EXPOSE"])
    assert Path(args.file_storage_pth).is_relative_to(found["VOLUME"])
    assert f":{args.port}/health" in found["HEALTHCHECK"]
    assert found["STOPSIGNAL"] == "SIGTERM"
    names = [name for name, _ in instructions(path)]
    assert "latest" not in found["FROM"]
    assert names.index("USER") > names.index("RUN")
    for name, words in instructions(path):
        if name == "RUN" and "apt-get" in words:
            assert "--no-install-recommends" in words
            assert "rm -rf /var/lib/apt/lists" in words


def compose() -> Any:
    return yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())


def seconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)s?", text)
    assert match
    return int(match[1])


def plain(words: list[str]) -> list[str]:
    """Words with the defaults of their variables."""
    return [re.sub(r"\$\{\w+:-(\w*)\}", r"\1", word) for word in words]


@pytest.mark.parametrize("name", ["sglc", "sglc-cuda", "sglc-rocm"])
def test_a_service_of_compose_is_whole(name: str) -> None:
    data = compose()
    service = data["services"][name]
    path = ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]
    assert path.resolve() in DOCKERFILES
    args = flags(served_by(path) + plain(service["command"]))
    assert seconds(service["stop_grace_period"]) > args.drain_timeout
    assert service["ports"] == [f"127.0.0.1:{args.port}:{args.port}"]
    (volume,) = service["volumes"]
    source, target = volume.split(":")
    assert source in data["volumes"]
    assert target == dict(instructions(path))["VOLUME"]
    (secret,) = service["secrets"]
    assert secret in data["secrets"]
    assert str(args.api_keys) == f"/run/secrets/{secret}"
    assert service["user"] == dict(instructions(path))["USER"]


def test_the_unit_of_systemd_drains_before_it_kills() -> None:
    unit = ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    unit.read(ROOT / "deploy" / "sglc.service")
    service = unit["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[:2] == ["/opt/sglc/bin/sglc", "serve"]
    args = flags(words[2:])
    assert int(service["TimeoutStopSec"]) > args.drain_timeout
    assert (service["KillMode"], service["KillSignal"]) == ("mixed", "SIGTERM")
    state = Path("/var/lib") / service["StateDirectory"]
    assert Path(args.file_storage_pth).is_relative_to(state)
    assert service["User"] != "root"
    assert "-HUP" in service["ExecReload"]


def test_the_pod_of_kubernetes_is_whole() -> None:
    documents = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text()))
    by_kind = {each["kind"]: each for each in documents}
    pod = by_kind["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    path = ROOT / "docker" / "Dockerfile"
    args = flags(served_by(path) + container["args"])
    wait_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["spec"]["terminationGracePeriodSeconds"] > wait_s + args.drain_timeout
    assert container["ports"][0]["containerPort"] == args.port
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert set(mounts) == volumes
    assert Path(args.file_storage_pth).is_relative_to(mounts["data"])
    assert Path(args.api_keys).is_relative_to(mounts["keys"])
    assert pod["metadata"]["labels"] == by_kind["Service"]["spec"]["selector"]
    assert str(pod["spec"]["securityContext"]["runAsUser"]) in dict(instructions(path))["USER"]
    claim = pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert claim == by_kind["PersistentVolumeClaim"]["metadata"]["name"]


def test_no_flag_is_read_that_does_not_exist() -> None:
    """So the tests above would see a flag that is gone."""
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        flags(["--no-such-flag"])
    assert fnmatch.filter([path.name for path in DOCKERFILES], "Dockerfile*") == [
        "Dockerfile",
        "Dockerfile.cuda",
        "Dockerfile.rocm",
    ]
