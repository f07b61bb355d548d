"""The checks of `doctor` that read the dataset's data."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from mcp_server.cli.dataset_files import find_dataset_files
from mcp_server.cli.finding import Finding, failed
from mcp_server.cli.rendering import wide_console
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import RecsysError
from mcp_server.files.disk import free_bytes
from mcp_server.settings import Settings
from recsys_shared.plain_text import one_line
from recsys_shared.terminal import PlainConsole

if TYPE_CHECKING:
    from mcp_server.discovery.costs import Costs
    from mcp_server.discovery.examination import Examination, FieldReport, Pictures

MUCH_MISSING = 0.5
"""Share of records without a value, from which on a field is named."""

MUCH_DROPPED = 0.05
"""Share of interactions that name unknown users or items, or of items without a title, that is worth a warning."""

N_STEPS = 6

LONGEST_ADDRESS = 100
"""Characters of a picture's address that are shown."""


def examine_dataset(settings: Settings) -> list[Finding]:
    """Read all data, with progress on stderr; the findings."""
    from mcp_server.discovery.examination import examine_data
    from mcp_server.preparation.progress_bars import Progress
    from mcp_server.state.folder import MODELS_FOLDER
    from mcp_server.vectors.embedder import Embedder

    try:
        with Progress(PlainConsole(stderr=True)) as progress:
            files = find_dataset_files(settings, progress)
            embedder = Embedder(settings.embedding_model, settings.state_folder / MODELS_FOLDER)
            with progress.step("Reading the data", N_STEPS) as step:
                found = examine_data(files, embedder, lambda part: step.update(step.done + 1, label=f"Reading {part}"))
    except RecsysError as error:
        return [failed("data", error)]
    return list(_findings(found, files.spec, settings))


def _findings(found: "Examination", spec: DatasetSpec, settings: Settings) -> Iterator[Finding]:
    nouns = spec.nouns
    yield _sources(found)
    is_untitled = found.n_untitled > MUCH_DROPPED * found.n_items
    yield _records(nouns.items, found.n_items, found.item_fields, _of_items(found, spec), is_bad=is_untitled)
    yield _records(nouns.users, found.n_users, found.user_fields, [], is_bad=False)
    yield _interactions(found, spec)
    unused = {source.name: source.unused for source in found.sources if source.unused}
    if unused:
        text = "; ".join(f"{name}: {', '.join(columns)}" for name, columns in unused.items())
        yield Finding("columns", "ok", f"not used: {text}", {"unused": unused})
    if found.pictures is not None:
        yield _pictures(found.pictures, nouns.items)
    if spec.search is not None:
        yield _language(found.language, spec.search.language, settings.embedding_model)
    for note in found.notes:
        yield Finding("reading", "warning", note)
    yield _costs(found.costs, settings)


def _sources(found: "Examination") -> Finding:
    parts = []
    for source in found.sources:
        size = f", {_size(source.n_bytes)}" if source.n_bytes else ""
        repeated = f", of which {source.n_repeated:,} repeat an ID" if source.n_repeated else ""
        parts.append(f"{source.name} {source.n_rows:,} rows{repeated}{size}")
    return Finding("sources", "ok", "; ".join(parts), {"sources": [asdict(source) for source in found.sources]})


def _of_items(found: "Examination", spec: DatasetSpec) -> list[str]:
    said = []
    if found.n_untitled:
        said.append(f"{found.n_untitled:,} without a title are never recommended")
    if found.n_unavailable:
        said.append(f"{found.n_unavailable:,} are not available")
    if found.n_items_without_interactions:
        said.append(f"{found.n_items_without_interactions:,} without {spec.nouns.interactions}")
    return said


def _records(noun: str, n: int, fields: Sequence["FieldReport"], said: list[str], *, is_bad: bool) -> Finding:
    empty = [field.name for field in fields if not field.n_known]
    sparse = [field for field in fields if MUCH_MISSING <= field.missing_share < 1]
    said = [f"{n:,}", *said]
    if empty:
        said.append(f"no values at all in {', '.join(empty)}")
    if sparse:
        said.append("often unknown: " + ", ".join(f"{each.name} {each.missing_share:.0%}" for each in sparse))
    details = {"number": n, "fields": [_field_data(field) for field in fields]}
    return Finding(noun, "warning" if empty or is_bad else "ok", "; ".join(said), details)


def _field_data(field: "FieldReport") -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind,
        "missing_share": round(field.missing_share, 4),
        "different": len(field.names),
        "least": field.least,
        "greatest": field.greatest,
        "examples": field.examples,
    }


def _interactions(found: "Examination", spec: DatasetSpec) -> Finding:
    total = found.n_interactions + found.n_dropped
    share = found.n_interactions / max(found.n_pairs_possible, 1)
    said = [f"{found.n_interactions:,} pairs of {spec.nouns.user} and {spec.nouns.item}, {share:.2%} of all possible"]
    said.append(f"{found.liked_share:.0%} are likes")
    if found.earliest:
        said.append(f"from {found.earliest} to {found.latest}")
    if found.n_dropped:
        said.append(f"{found.n_dropped:,} name an unknown {spec.nouns.user} or {spec.nouns.item}")
    is_bad = found.n_dropped > MUCH_DROPPED * total or not found.liked_share
    details = {
        "pairs": found.n_interactions,
        "unknown": found.n_dropped,
        "liked_share": round(found.liked_share, 4),
        "earliest": found.earliest,
        "latest": found.latest,
    }
    return Finding(spec.nouns.interactions, "warning" if is_bad else "ok", "; ".join(said), details)


def _pictures(found: "Pictures", noun: str) -> Finding:
    text = f"{found.n_shown:,} {noun} have one in {found.base}"
    if found.elsewhere:
        example = one_line(found.elsewhere[0], LONGEST_ADDRESS)
        text += f"; {len(found.elsewhere):,} have one that is not there, such as {example}, and are shown without it"
    details = {"shown": found.n_shown, "elsewhere": len(found.elsewhere)}
    return Finding("pictures", "warning" if found.elsewhere or not found.n_shown else "ok", text, details)


def _language(found: str | None, declared: str, model: str) -> Finding:
    """The language of the searched texts, and whether the word index and the embedding model are for it."""
    from mcp_server.vectors.embedder import understands

    language = found or declared
    told = f"searched texts seem to be {language}" if found else f"search: {{language: {declared}}}"
    wrong = []
    if language != declared:
        wrong.append(f"dataset.yaml says search: {{language: {declared}}}, which cuts and counts words otherwise")
    if not understands(model, language):
        wrong.append(
            f"the embedding model {model} is not for {language}: set RECSYS_EMBEDDING_MODEL to a multilingual one, "
            "such as sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2, and prepare again"
        )
    text = "; ".join([told, *(wrong or [f"the embedding model {model} is for it"])])
    return Finding("language", "warning" if wrong else "ok", text, {"found": found, "declared": declared})


def _costs(costs: "Costs", settings: Settings) -> Finding:
    free, memory = free_bytes(settings.state_folder), _memory_of_machine()
    steps = ", ".join(f"{step} {_duration(seconds)}" for step, seconds in costs.seconds.items() if seconds >= 1)
    others = "" if "training" in costs.seconds else f", and the training of {costs.model}, whose time is not known"
    text = (
        f"preparing all of it takes about {_duration(costs.total_seconds)} ({steps or 'each step under 1 s'}){others}, "
        f"{_size(costs.memory_bytes)} of memory and {_size(costs.disk_bytes)} of disk, with {costs.model}"
    )
    lacking = []
    if costs.no_room is not None:
        lacking.append(costs.no_room)
    elif memory is not None and costs.memory_bytes > memory:
        lacking.append(
            f"this machine has {_size(memory)} of memory: choose a model that needs less, such as model: {{name: auto}}"
        )
    if costs.disk_bytes > free:
        lacking.append(f"{_size(free)} of disk are free")
    return Finding("cost", "warning" if lacking else "ok", "; ".join([text, *lacking]), asdict(costs))


def _memory_of_machine() -> int | None:
    """Bytes of memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.1f} MiB"


def print_fields(findings: Sequence[Finding]) -> None:
    """Print a table of all fields that the findings tell of."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("of", "field", "kind", "missing", "different", "range", "examples"):
        right = column in ("missing", "different")
        table.add_column(column, header_style="bold", justify="right" if right else "left")
    for finding in findings:
        for field in finding.details.get("fields", []):
            span = "" if field["least"] is None else f"{_shown(field['least'])} to {_shown(field['greatest'])}"
            examples = one_line(", ".join(field["examples"]), 60)
            missing = f"{field['missing_share']:.0%}"
            row = (finding.check, field["name"], field["kind"], missing, f"{field['different']:,}", span, examples)
            table.add_row(*row)
    console = wide_console()
    console.print()
    console.print(table)


def _shown(value: Any) -> str:
    return f"{value:,g}" if isinstance(value, float) else str(value)
