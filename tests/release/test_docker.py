"""The files in docker/ against the program that they run: settings, commands, secrets, what is copied and kept.

No Docker engine takes part. What the files say is read as Docker would read it, and the shell commands in them are run.
"""

import fnmatch
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from starlette.testclient import TestClient
from typer.testing import CliRunner

from mcp_server.cli.app import app
from mcp_server.http.app import build_app
from mcp_server.http.auth import Tokens
from mcp_server.http.metrics import Metrics
from mcp_server.http.refusals import Refusals
from mcp_server.http.session_quotas import Sessions
from mcp_server.serving.call_runner import Calls
from mcp_server.serving.service import Service
from mcp_server.settings import SECRETS_FOLDER, Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("prepare", "server")
ACCOUNTS = {"prepare": "recsys_prepare", "server": "recsys_serve"}
"""Accounts of the database."""

LOCKED = re.compile(r"^([a-z0-9.-]+)==(\S+)(?: ; [^\n\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+$", re.MULTILINE)
LOCKS = {
    file.stem: dict(LOCKED.findall(file.read_text(encoding="ascii"))) for file in sorted((DOCKER / "locks").iterdir())
}
"""Versions by names."""

INTERPOLATION = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")
ADDRESSES = {"mysql": 3306, "qdrant": 6333, "server": 8000}


def interpolated(text: str, given: dict[str, str] | None = None) -> str:
    """A value as Compose fills it in, with only ``given`` in its environment."""
    filled = INTERPOLATION.sub(lambda found: (given or {}).get(found["name"]) or found["default"] or "", text)
    return filled.replace("$$", "$")


def environment(service: str, **given: str) -> dict[str, str]:
    """The variables that a container of the service gets."""
    return {name: interpolated(value, given) for name, value in SERVICES[service].get("environment", {}).items()}


def mounted_secrets(service: str) -> dict[str, str]:
    """The names of a service's secrets, by the names of their files in the container."""
    pairs = SERVICES[service].get("secrets", [])
    return {
        pair if isinstance(pair, str) else pair["target"]: pair if isinstance(pair, str) else pair["source"]
        for pair in pairs
    }


def instructions() -> list[tuple[str, list[str]]]:
    """The Dockerfile's instructions with their arguments."""
    lines = [line for line in (DOCKER / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(words[0], words[1:]) for line in whole.splitlines() if (words := line.split())]


def last(stage: str, instruction: str) -> list[str]:
    """The arguments of the last such instruction that holds in a stage, those of what it is made from included."""
    found: dict[str, list[str]] = {}
    current, base = "", ""
    for name, words in instructions():
        if name == "FROM":
            base, current = words[0], words[-1]
            if base in found:
                found[current] = found[base]
        elif name == instruction and current:
            found[current] = words
    return found[stage]


def copied_from_here() -> list[str]:
    """The sources that the Dockerfile copies out of the repository."""
    return [
        source
        for name, words in instructions()
        if name == "COPY" and not words[0].startswith("--from")
        for source in words[:-1]
    ]


def is_sent(path: str) -> bool:
    """True if .dockerignore lets a file of the repository through. The last pattern that matches decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        parts = path.split("/")
        names = ["/".join(parts[: n + 1]) for n in range(len(parts))]  # a folder's pattern is for what is in it too
        if pattern.startswith("**/"):
            matches = any(fnmatch.fnmatchcase(part, pattern.removeprefix("**/")) for part in parts)
        else:
            matches = any(
                name.count("/") == pattern.count("/") and fnmatch.fnmatchcase(name, pattern) for name in names
            )
        if matches:
            sent = line.startswith("!")
    return sent


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder of secrets as make-secrets.sh makes it."""
    folder = tmp_path / "secrets"
    subprocess.run(["sh", DOCKER / "make-secrets.sh", folder], check=True, capture_output=True)
    return folder


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A web server that answers every GET with one status; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path in ("/ready", "/readyz") else 404)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


# Settings and secrets


def test_every_variable_of_the_program_is_a_setting() -> None:
    known = {f"RECSYS_{name.upper()}" for name in Settings.model_fields}
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    named = {name for service in OURS for name in environment(service)}
    named |= {found["name"] for found in INTERPOLATION.finditer(text)}
    ours = {name for name in named if name.startswith("RECSYS_")}
    assert ours
    assert ours <= known
    for _, words in filter(lambda instruction: instruction[0] == "ENV", instructions()):
        names = {word.split("=")[0] for word in words}
        assert {name for name in names if name.startswith("RECSYS_")} <= known


@pytest.mark.parametrize("service", OURS)
def test_the_containers_settings_are_valid_and_hold_the_secrets(
    service: str, secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = tmp_path / "run-secrets"
    within.mkdir()
    for file, name in mounted_secrets(service).items():
        shutil.copy(secrets / name, within / file)
    for name in os.environ:
        if name.startswith("RECSYS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # no .env
    monkeypatch.setenv("RECSYS_SECRETS_DIR", str(within))
    for name, value in environment(service, RECSYS_ALLOWED_HOSTS="a.example,b.example").items():
        monkeypatch.setenv(name, value.replace(SECRETS_FOLDER, str(within)))
    settings = Settings()

    written = {file.name: file.read_text(encoding="ascii").strip() for file in secrets.iterdir()}
    assert settings.database_password is not None
    account = ACCOUNTS[service]
    assert settings.database_password.get_secret_value() == written[f"{account}_password"]
    assert settings.qdrant_api_key is not None
    assert settings.qdrant_api_key.get_secret_value() == written["recsys_qdrant_api_key"]
    assert settings.database_url is not None
    assert f"://{account}@mysql:3306/recsys" in settings.database_url.get_secret_value()
    assert settings.tokens is None  # read once; the file is read again when it changes
    if service == "server":
        assert settings.tokens_file is not None
        assert settings.tokens_file.read_text(encoding="ascii").split() == [written["recsys_tokens"]]
        assert (settings.transport, settings.host, settings.port) == ("http", "0.0.0.0", 8000)
        assert settings.allowed_hosts == ["a.example", "b.example"]
        assert not settings.allow_anonymous


def test_files_that_are_settings_by_their_names_are_settings() -> None:
    for service in OURS:
        files = {file for file in mounted_secrets(service) if file.startswith("recsys_")}
        assert files
        assert files <= {f"recsys_{name}" for name in Settings.model_fields}


def test_all_secrets_are_declared_and_made(secrets: Path) -> None:
    used = {name for service in SERVICES for name in mounted_secrets(service).values()}
    assert used == set(COMPOSE["secrets"]) == {file.name for file in secrets.iterdir()}
    assert {name: entry["file"] for name, entry in COMPOSE["secrets"].items()} == {n: f"secrets/{n}" for n in used}


def test_secrets_are_random_and_kept_and_nobody_else_can_reach_them(secrets: Path) -> None:
    before = {file.name: file.read_text(encoding="ascii") for file in secrets.iterdir()}
    assert len(set(before.values())) == len(before)
    assert all(re.fullmatch("[0-9a-f]{64}\n", text) for text in before.values())
    (secrets / "recsys_tokens").unlink()
    subprocess.run(["sh", DOCKER / "make-secrets.sh", secrets], check=True, capture_output=True)
    after = {file.name: file.read_text(encoding="ascii") for file in secrets.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"recsys_tokens"}
    # The containers' users are not the owner, so that the folder has to keep others out.
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o644}


def test_no_secret_is_in_the_files_themselves_or_gets_into_git(secrets: Path) -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|KEY|TOKENS", name) or name.endswith("_FILE"), (name, value)
    kept = [*(f"docker/secrets/{file.name}" for file in secrets.iterdir()), "docker/.env"]
    checked = subprocess.run(["git", "check-ignore", *kept], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.stdout.split() == kept


# Commands


@pytest.mark.parametrize("service", OURS)
def test_containers_run_commands_of_the_program(service: str) -> None:
    stage = SERVICES[service]["build"]["target"]
    (entry,) = yaml.safe_load(" ".join(last(stage, "ENTRYPOINT")))
    assert entry in PROJECT["project"]["scripts"]
    for command in (SERVICES[service]["command"], yaml.safe_load(" ".join(last(stage, "CMD")))):
        shown = CliRunner().invoke(app, [*command, "--help"])
        assert shown.exit_code == 0, shown.output


def test_the_paths_that_are_asked_are_the_servers(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, transport="http")
    service = Service(settings, prepare_if_needed=False)
    refusals, sessions = Refusals(lambda *_: None), Sessions(1, 1, 1)
    served = build_app(service, Calls(1, 1.0), Metrics([]), refusals, sessions, settings, Tokens(None, None))
    client = TestClient(served, base_url="http://localhost")

    balancer = (DOCKER / "haproxy.cfg").read_text(encoding="utf-8")
    asked = set(re.findall(r"^\s*http-check send meth GET uri (\S+)", balancer, re.MULTILINE))
    asked |= set(re.findall(r"path_(?:end|sub) (\S+)", balancer))
    for service_name in ("server", "balancer"):
        asked |= set(
            re.findall(r"http://127\.0\.0\.1:8000(/\w+)", " ".join(SERVICES[service_name]["healthcheck"]["test"]))
        )
    assert {"/ready", "/health", "/sse"} <= asked
    assert {path: client.delete(f"{path}/").status_code for path in asked} == dict.fromkeys(asked, 405)
    assert client.delete("/elsewhere").status_code == 404


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
@pytest.mark.parametrize("service", ["server", "qdrant"])
def test_health_checks_tell_a_ready_server_from_one_that_is_not(
    service: str, status: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # as Docker gives containers the proxies of its own settings
    kind, program, *arguments = map(interpolated, SERVICES[service]["healthcheck"]["test"])
    assert kind == "CMD"
    with answering(status) as port:
        ours = [word.replace(str(ADDRESSES[service]), str(port)) for word in arguments]
        assert ours != arguments
        program = sys.executable if program == "python" else program
        assert subprocess.run([program, *ours], check=False, capture_output=True).returncode == code


@pytest.mark.parametrize("service", ["server", "qdrant"])
def test_health_checks_fail_where_nothing_listens(service: str) -> None:
    _, program, *arguments = map(interpolated, SERVICES[service]["healthcheck"]["test"])
    program = sys.executable if program == "python" else program
    with answering(200) as port:
        pass
    ours = [word.replace(str(ADDRESSES[service]), str(port)) for word in arguments]
    assert subprocess.run([program, *ours], check=False, capture_output=True).returncode == 1


def test_qdrant_is_started_with_the_key_of_its_secret(secrets: Path, tmp_path: Path) -> None:
    started = tmp_path / "entrypoint.sh"
    started.write_text('#!/bin/sh\nprintf %s "$QDRANT__SERVICE__API_KEY"\n', encoding="ascii")
    started.chmod(0o755)
    command = [interpolated(word).replace(SECRETS_FOLDER, str(secrets)) for word in SERVICES["qdrant"]["entrypoint"]]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == (secrets / "recsys_qdrant_api_key").read_text(encoding="ascii").strip()


def test_mysql_is_asked_as_the_user_of_the_servers(secrets: Path, tmp_path: Path) -> None:
    client = tmp_path / "mysql"
    client.write_text('#!/bin/sh\nprintf "%s\\n" "$MYSQL_PWD" "$@"\n', encoding="ascii")
    client.chmod(0o755)
    kind, command = SERVICES["mysql"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    done = subprocess.run(
        ["sh", "-c", interpolated(command).replace(SECRETS_FOLDER, str(secrets))],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
    )
    password, *arguments = done.stdout.splitlines()
    assert password == (secrets / "recsys_serve_password").read_text(encoding="ascii").strip()
    # The server that only sets the database up listens on a socket alone: it must not count.
    assert "--host=127.0.0.1" in arguments
    variables = SERVICES["mysql"]["environment"]
    assert "--user=recsys_serve" in arguments
    assert arguments[-1] == variables["MYSQL_DATABASE"]
    url = environment("server")["RECSYS_DATABASE_URL"]
    assert url == f"mysql+aiomysql://recsys_serve@mysql:3306/{variables['MYSQL_DATABASE']}"


# What the images are made of


def test_what_is_copied_exists_and_is_sent() -> None:
    sources = copied_from_here()
    assert sources
    for source in sources:
        files = [path for path in (ROOT / source).rglob("*") if path.is_file()] or [ROOT / source]
        for file in files:
            name = file.relative_to(ROOT).as_posix()
            assert file.is_file(), name
            assert is_sent(name) != ("__pycache__" in name), name


def test_nothing_but_what_is_copied_is_sent() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    sent = {name for name in listed if is_sent(name)}
    sources = copied_from_here()
    assert sent
    assert {name for name in sent if not any(name == s or name.startswith(f"{s}/") for s in sources)} == set()
    kept = [".git/config", ".env", "docker/secrets/recsys_tokens", ".venv/bin/python", "mcp_server/__pycache__/a.pyc"]
    assert [name for name in kept if is_sent(name)] == []


def test_the_wheel_gets_all_that_it_is_made_of() -> None:
    hatch = PROJECT["tool"]["hatch"]
    wheel = hatch["build"]["targets"]["wheel"]
    project = PROJECT["project"]
    needed = {*wheel["packages"], *wheel["force-include"], *project["license-files"], project["readme"]}
    assert {*needed, hatch["version"]["path"].split("/")[0], "pyproject.toml"} <= set(copied_from_here())


def test_only_the_image_that_prepares_has_what_training_needs() -> None:
    assert not {"torch", "recbole"} & set(LOCKS["serve"])
    assert "recbole" in LOCKS["prepare"]
    stages = {words[-1]: words[0] for name, words in instructions() if name == "FROM"}
    copies = {"serve": "--from=serving", "prepare": "--from=training"}
    current = ""
    seen: dict[str, set[str]] = {}
    for name, words in instructions():
        current = words[-1] if name == "FROM" else current
        if name == "COPY":
            seen.setdefault(current, set()).add(words[0])
    assert stages["serving"] == stages["runtime"] == "${PYTHON_IMAGE}"  # not made from one that has been used to train
    for stage, source in copies.items():
        assert stages[stage] == "runtime"
        assert seen[stage] == {source, "--from=project"}
    assert SERVICES["server"]["build"]["target"] == "serve"
    assert SERVICES["prepare"]["build"]["target"] == "prepare"


def test_images_are_pinned_and_can_be_given_by_digest() -> None:
    (built_on,) = [words[0].split("=")[1] for name, words in instructions() if name == "ARG" and "PYTHON" in words[0]]
    fields = [entry["image"] for name, entry in SERVICES.items() if name not in OURS]
    fields += [SERVICES[name]["build"]["args"]["PYTHON_IMAGE"] for name in OURS]
    for field in fields:
        name, _, tag = interpolated(field).partition(":")
        assert name, field
        assert re.match(r"v?\d+\.\d+", tag), field
        (variable,) = INTERPOLATION.finditer(field)
        given = f"{name}@sha256:{'0' * 64}"
        assert interpolated(field, {variable["name"]: given}) == given
    assert interpolated(fields[-1]) == built_on
    python = built_on.partition(":")[2].split("-")[0]
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]


def test_everything_is_installed_by_hash_but_pytorch() -> None:
    for name, words in instructions():
        for command in " ".join(words).split("&&") if name == "RUN" else ():
            if "pip" not in command.split() or "install" not in command.split():
                continue
            if "torch" in command.split():
                assert "--no-deps" in command
            elif "--no-index" not in command:  # the project's own wheel
                assert {"--require-hashes", "--no-deps"} <= set(command.split())
                assert re.search(r"--only-binary :all: --requirement docker/locks/\w+\.txt", command)


def pins() -> dict[str, str]:
    """Versions by names, as constraints.txt has them."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_agree_with_the_pinned_versions(name: str) -> None:
    known = pins()
    remedy = "pip install uv && python docker/make-locks.py"
    other = {package: version for package, version in LOCKS[name].items() if known.get(package, version) != version}
    assert other == {}, remedy
    if name in ("serve", "prepare"):
        assert set(LOCKS[name]) <= set(known), remedy
    text = (DOCKER / "locks" / f"{name}.txt").read_text(encoding="ascii")
    rest = LOCKED.sub("", text)
    assert [
        line for line in rest.splitlines() if line and not line.startswith("#")
    ] == []  # no index, no URL, no option


@pytest.mark.parametrize("name", ["serve", "prepare"])
def test_locks_hold_all_that_is_needed(name: str) -> None:
    wanted = [*PROJECT["project"]["dependencies"]]
    wanted += PROJECT["project"]["optional-dependencies"]["train"] if name == "prepare" else []
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "python_version": "3.11"}
    linux |= {"python_full_version": "3.11.0", "implementation_name": "cpython", "extra": ""}
    found: set[str] = set()
    queue = [Requirement(line) for line in wanted]
    while queue:
        requirement = queue.pop()
        package = canonicalize_name(requirement.name)
        applies = requirement.marker is None or any(
            requirement.marker.evaluate({**linux, "extra": extra}) for extra in ("", *requirement.extras)
        )
        mark = f"{package}[{','.join(sorted(requirement.extras))}]"
        if not applies or mark in found:
            continue
        found |= {mark, package}
        for line in metadata.requires(package) or ():
            needed = Requirement(line)
            if needed.marker is None or any(
                needed.marker.evaluate({**linux, "extra": extra}) for extra in ("", *requirement.extras)
            ):
                needed.marker = None
                queue.append(needed)
    needed_packages = {package for package in found if "[" not in package} - {"torch"}
    of_cuda = {package for package in needed_packages if re.match("nvidia-|cuda-|triton$", package)}
    assert needed_packages - of_cuda <= set(LOCKS[name]), "pip install uv && python docker/make-locks.py"


def test_the_qdrant_server_fits_its_client() -> None:
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    client = re.search(r"^qdrant-client==(\d+)\.(\d+)", pinned, re.MULTILINE)
    server = re.search(r":v(\d+)\.(\d+)", SERVICES["qdrant"]["image"])
    assert client is not None
    assert server is not None
    assert client[1] == server[1]
    assert abs(int(client[2]) - int(server[2])) <= 1  # what the client accepts without a warning


# What containers may do


@pytest.mark.parametrize("service", SERVICES)
def test_containers_have_limits_that_can_be_set(service: str) -> None:
    entry = SERVICES[service]
    assert re.fullmatch(r"\d+[mg]", interpolated(entry["mem_limit"]))
    (variable,) = INTERPOLATION.finditer(entry["mem_limit"])
    assert interpolated(entry["mem_limit"], {variable["name"]: "12g"}) == "12g"
    assert 0 < entry["pids_limit"] <= 2048
    text = (DOCKER / "README.md").read_text(encoding="utf-8")
    assert f"`{variable['name']}`" in text


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_has_capabilities(service: str) -> None:
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert "cap_add" not in SERVICES[service]


@pytest.mark.parametrize("service", [*OURS, "balancer"])
def test_containers_have_no_rights_and_a_file_system_that_stays_as_it_is(service: str) -> None:
    entry = SERVICES[service]
    assert entry["read_only"] is True
    assert entry["cap_drop"] == ["ALL"]
    assert entry["user"] not in ("root", "0", "0:0")
    assert not entry.get("privileged")
    if service in OURS:
        assert last(entry["build"]["target"], "USER") == [entry["user"]]


def test_no_service_can_gain_rights_and_all_logs_end() -> None:
    for name, entry in SERVICES.items():
        assert "no-new-privileges:true" in entry["security_opt"], name
        assert {"max-size", "max-file"} <= set(entry["logging"]["options"]), name


@pytest.mark.parametrize("service", OURS)
def test_what_is_written_has_a_place(service: str) -> None:
    entry = SERVICES[service]
    writable = [mount.split(":")[0] for mount in entry["tmpfs"]]
    writable += [mount.split(":")[1] for mount in entry.get("volumes", []) if not mount.endswith(":ro")]
    variables = dict(word.split("=", 1) for word in last(entry["build"]["target"], "ENV"))
    for path in (variables["RECSYS_STATE"], variables["HOME"], "/tmp"):
        assert any(path == folder or path.startswith(f"{folder}/") for folder in writable), path
    for mount in entry["tmpfs"]:  # is root's, everybody's to write and half the memory, unless it says otherwise
        options = set(mount.partition(":")[2].split(","))
        user, group = entry["user"].split(":")
        assert {f"uid={user}", f"gid={group}", "mode=0700"} <= options
        assert [option for option in options if re.fullmatch(r"size=\d+[mg]", option)]


def test_only_the_balancer_is_reached_and_from_this_machine_only() -> None:
    assert [name for name, entry in SERVICES.items() if "ports" in entry] == ["balancer"]
    assert [interpolated(port) for port in SERVICES["balancer"]["ports"]] == ["127.0.0.1:8000:8000"]
    for name in ("mysql", "qdrant"):
        assert [COMPOSE["networks"][network]["internal"] for network in SERVICES[name]["networks"]] == [True]


def test_there_can_be_several_servers() -> None:
    server = SERVICES["server"]
    assert not {"container_name", "hostname", "ports", "volumes"} & set(server)
    lines = [shlex.split(line, comments=True) for line in (DOCKER / "haproxy.cfg").read_text().splitlines()]
    templates = [line for line in lines if line[:1] == ["server-template"]]
    assert templates
    assert {line[3] for line in templates} == {f"server:{environment('server')['RECSYS_PORT']}"}
    assert set(SERVICES["balancer"]["networks"]) & set(server["networks"])
    # Twice the pool is what a process has for the moment in which it takes over a new state.
    most = max(int(line[2]) for line in templates) * 2 * Settings.model_fields["database_pool_size"].default
    allowed = re.search(r"^max_connections = (\d+)$", (DOCKER / "mysql.cnf").read_text(encoding="utf-8"), re.MULTILINE)
    assert allowed is not None
    assert most < int(allowed[1])


def test_servers_start_after_the_preparation_and_have_time_to_stop() -> None:
    assert SERVICES["server"]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
    assert SERVICES["prepare"]["restart"] == "no"
    for name in ("mysql", "qdrant"):
        assert SERVICES["prepare"]["depends_on"][name] == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[name]
    grace = {name: int(SERVICES[name]["stop_grace_period"].removesuffix("s")) for name in ("server", "balancer")}
    assert grace["server"] > float(environment("server")["RECSYS_SHUTDOWN_TIMEOUT"])
    hard_stop = re.search(r"^\s*hard-stop-after (\d+)s$", (DOCKER / "haproxy.cfg").read_text(), re.MULTILINE)
    assert hard_stop is not None
    assert grace["balancer"] > int(hard_stop[1])
