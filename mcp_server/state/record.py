"""Which record of what is served the settings name. Imports what a database needs only where there is one."""

from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import ManifestStore


def open_record(settings: Settings) -> ManifestStore:
    """Raises: RecsysError: the settings of the database, or of Qdrant, cannot be used. Nothing is reached for yet."""
    if settings.qdrant_url is not None:
        from mcp_server.vectors.qdrant_server import QdrantServer

        QdrantServer(settings.qdrant_url)
    if settings.database_url is None:
        return StateFolder(settings.state_folder)
    from mcp_server.sql.address import ServerAddress
    from mcp_server.state.database import DatabaseRecord

    return DatabaseRecord(ServerAddress.from_settings(settings))
