"""A small cache of what does not change while a state is served."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(dict[K, V], Generic[K, V]):
    """A dictionary that starts anew when it is full: as cheap as a dictionary, and never larger than it may be.

    Args:
        largest: Upper bound on the entries or, where they are weighed, on the sum of their weights. An entry that is
            heavier by itself is kept until the next one comes.
        weigh: Weighs an entry, by its key and value.
    """

    def __init__(self, largest: int, weigh: Callable[[K, V], int] = lambda key, value: 1) -> None:
        super().__init__()
        self._largest, self._weigh, self._weight = largest, weigh, 0

    def __setitem__(self, key: K, value: V) -> None:
        self.forget(key)
        added = self._weigh(key, value)
        if self._weight + added > self._largest:
            self.clear()
            self._weight = 0
        super().__setitem__(key, value)
        self._weight += added

    def forget(self, key: K) -> None:
        """Drop an entry, if there is one."""
        if key in self:
            self._weight -= self._weigh(key, super().pop(key))
