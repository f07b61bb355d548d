"""Which record of what is served the settings name. Imports what a database needs only where there is one."""

from mcp_server.current import Record
from mcp_server.settings import Settings
from mcp_server.state import State


def open_record(settings: Settings) -> Record:
    """Raises: RecsysError: the settings of the database, or of Qdrant, cannot be used. Nothing is reached for yet."""
    if settings.qdrant_url is not None:
        from mcp_server.vectors.qdrant_server import QdrantServer

        QdrantServer(settings.qdrant_url)
    if settings.database_url is None:
        return State(settings.state_folder)
    from mcp_server.catalog.server_address import ServerAddress
    from mcp_server.storage.database_record import DatabaseRecord

    return DatabaseRecord(ServerAddress.from_settings(settings))
