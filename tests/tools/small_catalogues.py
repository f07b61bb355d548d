"""Small catalogues that are served without training: their pairs and the weights of their model are written by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator

from mcp_server.dataset.records import NO_TIME, Dataset, Interactions
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.preparation.describe import describe
from mcp_server.preparation.prepare import INDEX_VERSION
from mcp_server.recommender.artifact import ArtifactHeader, save_artifact
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.folder_parts import FolderParts
from mcp_server.state.manifest import Manifest
from tests.reading.records import ListedRecords

RATINGS = {"rating": "stars", "like_threshold": 4}
COUNTS = {"rating": "plays", "feedback": "counts"}
EVENTS = {"rating": "event", "feedback": "events", "weights": {"view": 1, "buy": 5, "refund": -5}}
LIKES: dict[str, Any] = {}
TIMES = {"timestamp": "time"}

CATALOG, MODEL = "catalog-0123456789abcdef", "model-0123456789abcdef"


@dataclass(frozen=True)
class Pair:
    """What a user has done with an item."""

    user: str
    item: str
    value: float = 1.0
    n_events: int = 1
    time: int | None = None


@dataclass(frozen=True)
class Catalogue:
    """A catalogue of products, whose names are their IDs in capitals."""

    items: str
    """A letter for each item."""
    pairs: Sequence[Pair]
    interactions: Mapping[str, Any] = field(default_factory=dict)
    users: Sequence[str] = ()
    """Users who may have done nothing, beside those of the pairs."""
    out_of_stock: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of the model, by an item that is liked and the item that it speaks for: "ab"."""
    tiers: Mapping[str, str] = field(default_factory=dict)
    """The group of each user."""
    nouns: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kinds of an item, a letter for each."""
    cold_items: bool = False
    """True for a model that scores items without interactions."""
    trained: bool = True
    """False where there is too little to train a model on."""

    @property
    def spec(self) -> DatasetSpec:
        source = [{"file": "made-up.csv"}]
        name = {"name": "name", "kind": "text", "filter": True}
        kinds = {"name": "kinds", "kind": "category", "many": True, "filter": True}
        return DatasetSpec.model_validate(
            {
                "name": "small",
                "title": "A small catalogue",
                "nouns": {"item": "product", "items": "products", "user": "customer", "users": "customers"}
                | dict(self.nouns),
                "items": {
                    "id": "item",
                    "id_type": "string",
                    "title": "name",
                    "sources": source,
                    "fields": [name, kinds] if self.kinds else [name],
                    **({"available": "stock > 0"} if self.out_of_stock else {}),
                },
                "users": {
                    "id": "user",
                    "id_type": "string",
                    "fields": [{"name": "tier", "kind": "category"}],
                    "groups": ["tier"],
                },
                "interactions": {"sources": source, "user": "user", "item": "item", **self.interactions},
            }
        )

    def read(self) -> Dataset:
        """The catalogue as a dataset."""
        spec = self.spec
        items, users = sorted(self.items), sorted({*self.users, *(pair.user for pair in self.pairs)})
        values = np.array([pair.value for pair in self.pairs], dtype=np.float64)
        threshold = spec.interactions.like_threshold
        times = [NO_TIME if pair.time is None else pair.time for pair in self.pairs]
        interactions = Interactions(
            user=np.array([users.index(pair.user) for pair in self.pairs], dtype=np.int64),
            item=np.array([items.index(pair.item) for pair in self.pairs], dtype=np.int64),
            value=None if spec.interactions.kind == "likes" else values,
            n_events=np.array([pair.n_events for pair in self.pairs], dtype=np.int64)
            if spec.interactions.kind == "events"
            else None,
            timestamp=None if spec.interactions.timestamp is None else np.array(times, dtype=np.int64),
            liked=values > 0 if threshold is None else values >= threshold,
        )
        return Dataset(
            spec=spec,
            items=ListedRecords(
                list(items), [{"name": item.upper(), "kinds": list(self.kinds.get(item, ""))} for item in items]
            ),
            canonical=np.arange(len(items)),
            available=np.array([item not in self.out_of_stock for item in items]) if self.out_of_stock else None,
            users=ListedRecords(list(users), [{"tier": self.tiers.get(user)} for user in users]),
            interactions=interactions,
            n_dropped=0,
            notes=[],
        )

    def publish(self, folder: Path) -> Manifest:
        """Make a state of it in a folder."""
        state, dataset = StateFolder(folder), self.read()
        parts, items = FolderParts(state), sorted(self.items)
        weights = np.zeros((len(items), len(items)), dtype=np.float32)
        for (liked, other), weight in self.weights.items():
            weights[items.index(liked), items.index(other)] = weight

        def write(target: Path) -> None:
            header = ArtifactHeader(
                kind="item_item" if self.trained else "popularity",
                model="by hand",
                settings={},
                dataset="small",
                fingerprint="",
                n_users=len(dataset.users),
                n_items=len(items),
                cold_items=self.cold_items,
                train_seconds=0,
            )
            zeros = np.zeros(len(items), dtype=np.float32)
            arrays = {"weights": weights, "offset": zeros} if self.trained else {"scores": zeros}
            save_artifact(target, header, arrays)

        with state.lock():
            parts.make_catalog(CATALOG, dataset, lambda rows: None)
            parts.make_model(MODEL, write)
            manifest = Manifest(
                spec=dataset.spec,
                fingerprint="",
                card=describe(dataset),
                training_fingerprint="",
                embedding_model="",
                index_version=INDEX_VERSION,
                n_searchable=0,
                catalog=CATALOG,
                model=MODEL,
                vectors=None,
            )
            state.publish(manifest)
        return manifest

    async def answer(self, folder: Path, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer of a tool over it, which is as the tool's schema says."""
        if not (folder / "current.json").exists():
            self.publish(folder)
        service = Service(Settings(_env_file=None, state=folder), prepare_if_needed=False)
        try:
            answer = await service.call(tool, arguments)
            Draft202012Validator(service.tools[tool].output_schema).validate(answer)
            return answer
        finally:
            await service.close()


def listed(answer: Mapping[str, Any]) -> str:
    """The items of an answer, in order."""
    return "".join(item["item_id"] for item in answer["items"])
