"""The items that a user likes, as models take them."""

from dataclasses import dataclass

from mcp_server.types import DoubleArray, IntArray


@dataclass(frozen=True)
class LikedHistory:
    """Items that somebody likes. What somebody had and does not like is not among them: it speaks for nothing."""

    items: IntArray
    """(n,), positions."""
    ratings: DoubleArray | None = None
    """(n,); None where there are none."""
    newest_first: bool = False
    """True where the items are in the order of time."""

    def __len__(self) -> int:
        return len(self.items)
