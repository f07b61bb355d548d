"""Workflows: they run nobody's code but what a commit names, may do little, and publish nothing that may not be."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = {file.stem: file for file in sorted((ROOT / ".github" / "workflows").iterdir())}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def parsed(name: str) -> dict[str, Any]:
    found = yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in parsed(name)["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_named_by_commit_and_say_the_version(name: str) -> None:
    text = WORKFLOWS[name].read_text(encoding="utf-8")
    used = [line for line in re.findall(r"uses: (.+)", text) if not line.startswith("./")]
    assert used
    for line in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_version() -> None:
    used = {
        tuple(line.split("@"))
        for file in WORKFLOWS.values()
        for line in re.findall(r"uses: ([^.].+)", file.read_text(encoding="utf-8"))
    }
    assert len({name for name, _ in used}) == len(used)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_may_read_and_jobs_say_what_else_they_need(name: str) -> None:
    workflow = parsed(name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert "concurrency" in workflow
    writing = {
        job: {what for what, right in entry.get("permissions", {}).items() if right == "write"}
        for job, entry in workflow["jobs"].items()
    }
    expected = {"pypi": {"id-token"}, "image": {"packages"}, "github": {"contents", "id-token", "attestations"}}
    expected["publish"] = {"pages", "id-token"}
    assert writing == {job: expected.get(job, set()) for job in workflow["jobs"]}
    for step in steps(name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_nothing_is_published_before_the_tests_have_passed() -> None:
    jobs = parsed("release")["jobs"]
    assert {"test", "build"} <= set(jobs["pypi"]["needs"]) & set(jobs["image"]["needs"])
    assert set(jobs["github"]["needs"]) == {"pypi", "image"}


def test_the_site_is_published_from_main_only() -> None:
    workflow = parsed("docs")
    assert workflow[True]["push"] == {"branches": ["main"]}  # YAML 1.1 reads the key `on` as true
    assert workflow["jobs"]["publish"]["if"] == "github.event_name == 'push'"
    assert workflow["jobs"]["publish"]["needs"] == "build"


def test_movielens_is_not_published() -> None:
    (built,) = [step["with"] for step in steps("release") if step.get("uses", "").startswith("docker/build-push")]
    assert built["target"] == "serve"
    assert built["sbom"] is True
    assert built["provenance"] == "mode=max"
    assert "recbole==" not in (ROOT / "docker" / "locks" / "serve.txt").read_text(encoding="ascii")


def test_all_supported_pythons_are_tested_on_all_systems() -> None:
    classified = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if ":: 3." in line]
    for name, job in parsed("test")["jobs"].items():
        matrix = job["strategy"]["matrix"]
        tested = matrix.get("python") or [entry["python"] for entry in matrix["include"]]
        assert tested == classified, name


def test_windows_tests_what_is_there() -> None:
    job = parsed("test")["jobs"]["windows"]
    (command,) = [step["run"] for step in job["steps"] if "run.py" in step.get("run", "")]
    paths = command.split()[3:]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_services_of_the_tests_are_those_of_compose() -> None:
    compose = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    linux = parsed("test")["jobs"]["linux"]
    assert f":-{linux['services']['qdrant']['image']}}}" in compose
    assert f":-{linux['strategy']['matrix']['include'][1]['database']}}}" in compose


def test_the_version_is_the_same_everywhere() -> None:
    assert f'"version": "{__version__}"' in (ROOT / "server.json").read_text(encoding="utf-8")
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
