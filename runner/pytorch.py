"""The choice of PyTorch's build: on Linux without an NVIDIA GPU that for CPUs, which is gigabytes smaller.

PyPI's build for Linux brings CUDA along. pytorch.org has an index with the CPU's build, which is tried once; where it
cannot be reached, or where pip is told to look elsewhere than at PyPI, pip takes whatever it finds.
"""

import platform
import re
import shutil
import sys
import threading
import urllib.request
from pathlib import Path

from runner.messages import say
from runner.pip import Pip

CPU_INDEX = "https://download.pytorch.org/whl/cpu"

PROBE_SECONDS = 3.0
"""Time for the index to answer, the look-up of its name included."""

SOURCES = frozenset({"index-url", "extra-index-url", "no-index"})
"""Settings of pip that say where packages come from."""

NVIDIA = ("/dev/nvidia0", "/proc/driver/nvidia/version", "/usr/lib/wsl/lib/nvidia-smi")
"""Files of NVIDIA's driver; the last is Windows' own, within WSL."""


def has_nvidia_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None or any(Path(file).exists() for file in NVIDIA)


def is_smaller_by_cpu_index() -> bool:
    """True if PyPI's build has CUDA, which is of no use here."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and not has_nvidia_gpu()


def is_reachable(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """True if an address answers in time. Proxies are taken from the environment, as pip does."""
    answered = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.build_opener().open(urllib.request.Request(url, method="HEAD"), timeout=seconds):
                answered.set()
        except (OSError, ValueError):
            pass

    # A thread, because no time limit holds for the look-up of a name; it is left behind where it hangs.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return answered.is_set()


def pinned_version(constraints: Path) -> str | None:
    found = re.search(r"^torch==(\S+)", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None


def install_cpu_build(pip: Pip, version: str, index: str = CPU_INDEX) -> bool:
    """Install PyTorch alone from the CPU index; False where pip has to find it with the rest.

    Nothing else may come from that index: it has packages of other names, too.
    """
    if chosen := sorted(SOURCES & pip.settings()):
        say(f"PyTorch comes from where pip is told to look ({', '.join(chosen)})")
        return False
    if not is_reachable(f"{index}/torch/"):
        say(f"{index} cannot be reached: pip takes the build of PyTorch that it finds; PyPI's has CUDA, some gigabytes")
        return False
    say(f"downloading PyTorch's CPU build, about 200 MB, from {index} ...")
    return pip.install(("--index-url", index, "--no-deps", f"torch=={version}"), needed=False)
