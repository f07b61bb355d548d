"""The errors that people see. Each text says what is wrong and what to do about it.

Tools turn them into MCP tool errors, commands into one line on stderr and exit code 2.
Anything else that is raised is a defect of the server, and is logged with its traceback.
"""


class RecsysError(Exception):
    """Base of every error whose text is meant for the user of an assistant or of a command."""


class InvalidInputError(RecsysError):
    """An argument is wrong: unknown ID, value out of range, wrong type."""


class DatasetError(RecsysError):
    """The dataset specification or one of its files cannot be used."""


class NotPreparedError(RecsysError):
    """There is no prepared state yet, or it belongs to another version of this program."""


class TrainingError(RecsysError):
    """A model cannot be trained or cannot be exported for serving."""


class BackendError(RecsysError):
    """The database or the vector store cannot be reached or read."""


class UnwritableError(BackendError):
    """A place on disk cannot be written: it is full, read-only, or another user's. What is there can still be read."""


class DamagedPartError(BackendError):
    """A part of a state is missing or not what it should be, though its place can be reached: it can be made again."""


class ArtifactError(DamagedPartError):
    """A trained artifact is missing, corrupt, of another format or of other data."""
