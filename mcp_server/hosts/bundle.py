"""The MCP bundle: the server as one file, which hosts install by a double click and start with values from a form.

Its server type is "uv". A bundle of type "python" has to contain all dependencies, and ours (NumPy, pydantic, Qdrant
Edge, torch for preparing) are built for each platform: it would be hundreds of megabytes and fit one platform only.
With "uv", the host's uv fetches Python and the packages named in the bundle's pyproject.toml once, when the bundle is
installed; the bundle itself contains only our code and data, and fits all platforms.
"""

import importlib.metadata
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import mcp_server
import recsys_shared
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import bundled_folder, find_spec_file, load_spec
from mcp_server.errors import InvalidInputError
from mcp_server.files.atomic import write_atomically
from mcp_server.prompts.library import build_prompts
from mcp_server.prompts.prompt import Prompt
from mcp_server.settings import Settings
from mcp_server.tools import build_tools

MANIFEST_VERSION = "0.4"
"""The first version of manifests with servers of type "uv"."""

PYTHON = "3.12"
"""The version of Python that uv installs."""

DISTRIBUTION = "recsys-mcp"

PACKAGE = Path(mcp_server.__file__).resolve().parent

SHARED_PACKAGE = Path(recsys_shared.__file__).resolve().parent

BUNDLE_FILES = Path(__file__).resolve().parent / "bundle_files"
"""Files that only a bundle has: the icon, and the script that starts the server."""

FORM = (
    ("dataset", "Dataset", "string", "ml-100k"),
    ("data", "Folder with the dataset's files", "directory", None),
    ("state", "Folder of prepared state", "directory", None),
    ("database_url", "Database URL", "string", None),
    ("qdrant_url", "Qdrant URL", "string", None),
    ("qdrant_api_key", "Qdrant API key", "string", None),
    ("log_level", "Log level", "string", "INFO"),
)
"""Settings that users can fill in: name, title, kind of field, and default."""

SECRETS = ("database_url", "qdrant_api_key")

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""Time of all files in the archive, so that the same content makes the same bundle."""


def write_bundle(path: Path) -> None:
    """Write the bundle, from a checkout or from an installed package."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(_files().items()):
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, file)
    write_atomically(path, content.getvalue())


def manifest() -> dict[str, Any]:
    """The manifest: what hosts show before they install the bundle, and how they start it."""
    about = importlib.metadata.metadata(DISTRIBUTION)
    facts = DatasetFacts(load_spec(find_spec_file("ml-100k")), None)
    tools = build_tools(facts)
    return {
        "manifest_version": MANIFEST_VERSION,
        "name": DISTRIBUTION,
        "display_name": "Recommender",
        "version": mcp_server.__version__,
        "description": about["Summary"],
        "long_description": (
            "Ask for recommendations, for what is popular in a group, for the audience of an idea, or for what is "
            f"known of users and items. Serves {facts.spec.title} unless you name a dataset.yaml of your own; it is "
            "prepared in the background when the server starts for the first time, which takes some minutes."
        ),
        "author": {"name": "The recsys-mcp authors"},
        "license": "MIT",
        "icon": "icon.png",
        "keywords": about["Keywords"].split(","),
        "server": {
            "type": "uv",
            "entry_point": "start.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "start.py"],
                "env": {f"RECSYS_{name.upper()}": f"${{user_config.{name}}}" for name, *_ in FORM},
            },
        },
        "tools": [{"name": tool.name, "description": _first_sentence(tool.description)} for tool in tools.values()],
        "tools_generated": True,  # other datasets and tools of the user's own add to them
        "prompts": [_prompt(prompt) for prompt in build_prompts(facts).values()],
        "prompts_generated": True,
        "compatibility": {"platforms": ["darwin", "linux", "win32"]},
        "user_config": {name: _field(name, title, kind, default) for name, title, kind, default in FORM},
    }


def _files() -> dict[str, bytes]:
    """The files of the bundle, by name."""
    files = _folder(PACKAGE, Path("mcp_server")) | _folder(bundled_folder(), Path("mcp_server/data"))
    files |= _folder(SHARED_PACKAGE, Path("recsys_shared"))
    licences = importlib.metadata.files(DISTRIBUTION) or []
    files |= {file.name: file.read_binary() for file in licences if file.parent.name == "licenses"}
    return files | {
        "manifest.json": json.dumps(manifest(), indent=2, ensure_ascii=False).encode("utf-8"),
        **_folder(BUNDLE_FILES, Path()),
        "pyproject.toml": _pyproject().encode("utf-8"),
        ".python-version": f"{PYTHON}\n".encode(),
    }


def _folder(folder: Path, name: Path) -> dict[str, bytes]:
    """A folder's files by their names in the archive, without caches and hidden files."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        (name / inside).as_posix(): path.read_bytes()
        for inside, path in found.items()
        if not any(part == "__pycache__" or part.startswith(".") for part in inside.parts)
    }


def _pyproject() -> str:
    """A pyproject.toml of the packages that serving and preparing need, for uv."""
    lines = importlib.metadata.requires(DISTRIBUTION) or []
    split = [(name.strip(), marker.strip()) for name, _, marker in (line.partition(";") for line in lines)]
    needed = [f"{name}; {marker}" if marker else name for name, marker in split if "extra ==" not in marker]
    needed += [name for name, marker in split if marker == "extra == 'train'"]
    python = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    return (
        "[project]\n"
        f'name = "{DISTRIBUTION}-bundle"\n'
        f'version = "{mcp_server.__version__}"\n'
        f"requires-python = {json.dumps(python)}\n"
        f"dependencies = {json.dumps(needed, indent=4)}\n"
        "\n[tool.uv]\n"
        "package = false\n"
        f"constraint-dependencies = {json.dumps(_constraints(), indent=4)}\n"
    )


def _constraints() -> list[str]:
    """The tested versions; without a checkout there are none, and uv chooses."""
    path = PACKAGE.parent / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [line for line in lines if line and not line.startswith("#")]


def _field(name: str, title: str, kind: str, default: str | None) -> dict[str, Any]:
    field: dict[str, Any] = {"type": kind, "title": title, "description": Settings.model_fields[name].description or ""}
    field |= {"required": False} | ({"sensitive": True} if name in SECRETS else {})
    return field if default is None else field | {"default": default}


def _first_sentence(text: str) -> str:
    """The first sentence of a tool's description: the rest is for models."""
    return " ".join(text.split()).partition(". ")[0].removesuffix(".") + "."


def _prompt(prompt: Prompt) -> dict[str, Any]:
    """A prompt in the manifest's form, which has no optional arguments."""
    needed = [argument.name for argument in prompt.arguments if argument.required]
    try:
        text = prompt.text({name: f"${{arguments.{name}}}" for name in needed})
    except InvalidInputError:  # one of several arguments is needed: take the first
        needed.append(next(argument.name for argument in prompt.arguments if argument.name not in needed))
        text = prompt.text({name: f"${{arguments.{name}}}" for name in needed})
    return {"name": prompt.name, "description": prompt.description, "arguments": needed, "text": text}
