"""run.py on machines that are not as its authors': old Pythons, no GPU, no network, no terminal."""

import ast
import base64
import contextlib
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner import environment, pip, pytorch
from runner.environment import Environment
from runner.pip import Pip

ROOT = Path(__file__).parents[2]
RUN = ROOT / "run.py"

VERSIONS = [(2, 7), (3, 6), (3, 8), (3, 9), (3, 10)]


def interpreter(version: tuple[int, int]) -> str | None:
    """An installed Python of a version: in PATH, or in pyenv's folder."""
    name = f"python{version[0]}.{version[1]}"
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += [*Path.home().glob(f".pyenv/versions/{version[0]}.{version[1]}.*/bin")]
    for file in (folder / name for folder in folders):
        with contextlib.suppress(OSError):
            asked = [str(file), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == name[6:]:
                return str(file)
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_python_is_told_which_is_needed(version: tuple[int, int]) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version[0]}.{version[1]} here")
    done = subprocess.run([python, str(RUN), "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    said = f"run.py: Python 3.11 or later is needed; this is {version[0]}.{version[1]} ("
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_old_pythons_can_read_the_first_file() -> None:
    text = RUN.read_text(encoding="ascii")  # without a line that says otherwise, Python 2 takes no other characters
    tree = ast.parse(text, feature_version=(3, 7))
    later = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Match, ast.AsyncFunctionDef, ast.Starred)
    assert not [node for node in ast.walk(tree) if isinstance(node, later)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    checked = next(n for n, node in enumerate(tree.body) if isinstance(node, ast.If))
    imports = [n for n, node in enumerate(tree.body) if isinstance(node, ast.ImportFrom)]
    assert min(imports) > checked


# Where PyTorch comes from


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip as on a machine where nothing has been configured."""
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def make_wheel(folder: Path, name: str, version: str) -> None:
    """A wheel with a module of its version, and nothing else."""
    folder.mkdir(parents=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        file: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for file, text in files.items()
    }
    record = "".join(f"{file},sha256={digests[file]},{len(files[file])}\n" for file in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)


class Index:
    """A package index over HTTP, of folders with files in them."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *arguments: object) -> None:
                asked.append(f"{self.command} {self.path}")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Index]:
    index = Index(folder)
    thread = threading.Thread(target=index.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield index
    finally:
        index.server.shutdown()
        thread.join()
        index.server.server_close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose extra "train" is PyTorch, and which needs nothing to be built."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "constraints.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "small"\nversion = "1.0"\noptional-dependencies = {train = ["torch>=2"]}\n',
        encoding="utf-8",
    )
    (folder / "backend.py").write_text(
        "import zipfile\n"
        "METADATA = 'Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\nProvides-Extra: train\\n'\n"
        "METADATA += 'Requires-Dist: torch>=2; extra == \"train\"\\n'\n"
        "def build_editable(folder, config_settings=None, metadata_directory=None):\n"
        "    with zipfile.ZipFile(folder + '/small-1.0-py3-none-any.whl', 'w') as wheel:\n"
        "        wheel.writestr('small-1.0.dist-info/METADATA', METADATA)\n"
        "        wheel.writestr('small-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n'\n"
        "                       'Tag: py3-none-any\\n')\n"
        "        wheel.writestr('small-1.0.dist-info/RECORD', '')\n"
        "    return 'small-1.0-py3-none-any.whl'\n",
        encoding="utf-8",
    )
    return folder


@pytest.mark.usefixtures("plain")
def test_without_a_gpu_pytorch_comes_from_the_cpu_index_and_nothing_else_does(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make_wheel(tmp_path / "cpu" / "torch", "torch", "2.13.0+cpu")
    make_wheel(tmp_path / "cpu" / "small-needs", "stranger", "1.0")
    made = Environment(".venv", "constraints.txt", project)
    monkeypatch.setattr(environment, "is_smaller_by_cpu_index", lambda: True)
    with serving(tmp_path / "cpu") as index:
        monkeypatch.setattr(environment, "install_cpu_build", partial(pytorch.install_cpu_build, index=index.url))
        made.set_up("train")
    shown = [str(made.python), "-c", "import torch; print(torch.__version__)"]
    assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout == "2.13.0+cpu\n"
    assert {request.split("/")[1] for request in index.asked} == {"torch"}
    said = capfd.readouterr().err
    assert f"downloading PyTorch's CPU build, about 200 MB, from {index.url} ..." in said

    # The index is not asked again for what is there, nor is anything installed twice.
    index.asked.clear()
    made.set_up("train")
    assert capfd.readouterr().err == ""
    (project / "constraints.txt").write_text("torch==2.13.0\n# changed\n", encoding="utf-8")
    made.set_up("train")
    assert "PyTorch" not in capfd.readouterr().err


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"])
def test_where_pip_is_told_to_look_elsewhere_the_cpu_index_is_not_asked(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "1" if name == "PIP_NO_INDEX" else "http://127.0.0.1:9/simple")
    with serving(tmp_path) as index:
        assert not pytorch.install_cpu_build(Pip(Path(sys.executable), "x", bars=False), "2.13.0", index.url)
    assert index.asked == []
    assert f"where pip is told to look ({name[4:].lower().replace('_', '-')})" in capfd.readouterr().err


@pytest.mark.usefixtures("plain")
def test_a_cpu_index_that_cannot_be_reached_is_said_and_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nothing listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert not pytorch.install_cpu_build(Pip(Path(sys.executable), "x", bars=False), "2.13.0", url)
    assert f"{url} cannot be reached" in capfd.readouterr().err


@pytest.mark.usefixtures("plain")
def test_an_index_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not pytorch.is_reachable(f"http://127.0.0.1:{silent.getsockname()[1]}/torch/", seconds=0.2)


@pytest.mark.usefixtures("plain")
def test_a_proxy_of_the_environment_is_asked_for_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch").mkdir()
    with serving(tmp_path) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        pytorch.is_reachable("http://index.example/torch/")
        assert {request.split()[1] for request in proxy.asked} == {"http://index.example/torch/"}
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert pytorch.is_reachable(f"{proxy.url}/torch/")


@pytest.mark.parametrize("file", ["dev/nvidia0", "proc/driver/nvidia/version"])
def test_an_nvidia_gpu_is_seen(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch, "NVIDIA", [str(tmp_path / name) for name in ("dev/nvidia0", file)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not pytorch.has_nvidia_gpu()
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert pytorch.has_nvidia_gpu()
    assert not pytorch.is_smaller_by_cpu_index()


# What is shown of a long installation


def test_an_installation_says_again_and_again_what_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, gate = tmp_path / "python", tmp_path / "gate"
    os.mkfifo(gate)
    slow.write_text(f"#!/bin/sh\necho 'Downloading torch-2.13.0.whl (198 MB)'\nread -r line < {gate}\n")
    slow.chmod(0o755)
    heard: list[str] = []

    def say(line: str) -> None:
        if "torch" in line and not any("torch" in before for before in heard):
            gate.write_text("go on\n", encoding="utf-8")  # only now does it end
        heard.append(line)

    monkeypatch.setattr(pip, "LINE_SECONDS", 0.05)
    monkeypatch.setattr(pip, "say", say)
    assert Pip(slow, ".venv", bars=True).install(["x"])
    assert re.fullmatch(r"\.venv: \d+ s, Downloading torch-2\.13\.0\.whl \(198 MB\)", heard[-1])


@pytest.mark.usefixtures("plain")
def test_a_failed_installation_shows_what_pip_said(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert not Pip(Path(sys.executable), ".venv", bars=False).install([str(tmp_path / "missing")])
    assert "ERROR: " in capfd.readouterr().err
