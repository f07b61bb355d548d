"""Opening the parts of a published state: the one way for serving, for examining, and for finding damage."""

from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.database import Database
from mcp_server.errors import BackendError
from mcp_server.recommender.artifact import load_artifact
from mcp_server.recommender.protocol import Recommender
from mcp_server.state import CATALOG_FILE, STORE_FOLDER, Current, State
from mcp_server.vectors.qdrant_edge_store import QdrantEdgeStore


def open_catalog(state: State, current: Current) -> Catalog:
    """Raises: BackendError: it is missing, cannot be read, or has lost rows."""
    card = current.card
    path = state.part(current.catalog) / CATALOG_FILE
    if not path.is_file():
        raise BackendError(f"the catalogue {path} is missing: run `recsys-mcp prepare`")
    database = Database(path, "the catalogue", read_only=True)
    catalog = Catalog(database, current.spec, {"items": card.item_ids, "users": card.user_ids})
    if (catalog.n_items, catalog.n_users) != (card.n_items, card.n_users):
        catalog.close()
        raise BackendError(f"the catalogue {path} has lost rows: run `recsys-mcp prepare`")
    return catalog


def open_model(state: State, current: Current) -> Recommender:
    """Raises: ArtifactError: it is missing, corrupt, foreign or outdated."""
    return load_artifact(
        state.part(current.model),
        fingerprint=current.training_fingerprint,
        n_users=current.card.n_users,
        n_items=current.card.n_items,
    )


def open_store(state: State, current: Current) -> QdrantEdgeStore:
    """Raises: BackendError: there is none, it cannot be read, or it has lost points."""
    if current.vectors is None:
        raise BackendError(f"{current.spec.name} has no texts to search")
    return QdrantEdgeStore(state.part(current.vectors) / STORE_FOLDER, current.n_searchable)
