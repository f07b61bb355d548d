"""The protocol's official conformance suite, which also checks every message against the specification's JSON schema.

Which scenarios cannot be passed, and why, is in conformance.yaml: the suite fails on any other failure or warning, and
on a scenario there that passes.
"""

import re
from pathlib import Path

import mcp
import pytest
import yaml

from tests.clients.npm import FOLDER, program, run_node
from tests.running_servers import HttpServer

REVISIONS = ["2025-06-18", "2025-11-25", "2026-07-28"]
"""Revision of the specification."""

KNOWN = REVISIONS if hasattr(mcp, "Client") else REVISIONS[:2]
"""Revisions that the installed SDK knows: its line 1.x does not know that of 2026."""

CANNOT = FOLDER / "conformance.yaml"


@pytest.mark.parametrize("revision", KNOWN)
def test_the_server_conforms(server: HttpServer, revision: str, home: Path) -> None:
    options = ["--suite", "all", "--spec-version", revision, "--expected-failures", CANNOT]
    ran = run_node(program("conformance"), "server", "--url", f"{server.base}/mcp", *options, home=home)
    _, summary, results = ran.stdout.partition("=== SUMMARY ===")
    assert summary, ran.stderr
    assert ran.returncode == 0, results
    passed = set(re.findall(r"✓ (\S+): [1-9]\d* passed, 0 failed", results))
    failed = set(re.findall(r"✗ (\S+): ", results))
    cannot = {entry.partition(":")[0] for entry in yaml.safe_load(CANNOT.read_text(encoding="utf-8"))["server"]}
    assert failed <= cannot
    assert passed >= {"tools-list", "tools-call-error", "resources-list", "prompts-list"}
