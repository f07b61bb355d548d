"""A small cache of what does not change while a state is served."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(dict[K, V], Generic[K, V]):
    """A dictionary that starts anew when it is full: as cheap as a dictionary, and never larger than it may be."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self._largest = largest

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._largest and key not in self:
            self.clear()
        super().__setitem__(key, value)
