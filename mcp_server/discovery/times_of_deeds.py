"""Times of what users did: which of several columns tells when it was."""

from mcp_server.discovery.links import TIME_WORDS
from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.words import has_word, is_nameless

LATER_WORDS = frozenset({"approved", "deadline", "delivered", "delivery", "due", "end", "ended", "estimated", "expires",
                         "expiry", "limit", "modified", "required", "return", "returned", "shipped", "shipping",
                         "updated"})  # fmt: skip
"""Words in the names of times that come after a deed."""


def rank_of_time(column: Profile) -> tuple[bool, bool]:
    """Times of the deed itself before those of what follows, and before what is not named as a time."""
    return has_word(column.name, LATER_WORDS), not has_word(column.name, TIME_WORDS)


def is_named_time(column: Profile) -> bool:
    """True for a column that is called a time, or has no name."""
    return has_word(column.name, TIME_WORDS) or is_nameless(column.name)


def is_epoch(column: Profile) -> bool:
    """True for whole numbers that may be seconds since 1970."""
    return column.share_whole == 1.0 and 3e8 < (column.median or 0) < 1e10
