"""The data of a training, as a file beside its artifact: the IDs behind the model's positions, and the interactions.

By the IDs a model serves a catalogue that has changed since; by the interactions one sees how much has changed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from mcp_server.recommender.drift import Drift, Side
from mcp_server.types import BoolArray, DoubleArray, Id, IntArray

HashArray = npt.NDArray[np.uint64]

MOST_PAIRS = 2_000_000
"""Pairs of user and item whose hashes are kept, 8 bytes each. Of more pairs, those with the least hashes are kept: a
random sample of all, which tells shares to a hundredth of a percent."""


@dataclass(frozen=True)
class TrainedOn:
    """The IDs and interactions of a training, or of a catalogue that a model could be trained on."""

    items: list[Id]
    """IDs of items, in the order of the model's positions."""
    users: list[Id]
    """IDs of users, in the order of the model's positions."""
    used: BoolArray
    """(n_items,): True for items with interactions. Of the others a model learns nothing."""
    n_pairs: int
    """Number of interactions: pairs of user and item."""
    pairs: HashArray
    """(at most MOST_PAIRS,): the least hashes of the pairs, which rise."""

    @classmethod
    def of(
        cls,
        items: list[Id],
        users: list[Id],
        pairs: tuple[IntArray, IntArray],
        ratings: DoubleArray | None = None,
    ) -> "TrainedOn":
        """The IDs of a dataset, and its interactions.

        Args:
            pairs: Positions of users and of items, each (n_pairs,). Each pair occurs once.
            ratings: (n_pairs,). A pair with another rating is another interaction.
        """
        user, item = pairs
        used = np.zeros(len(items), dtype=np.bool_)
        used[item] = True
        mixed = _mix(_hash_ids(users)[user] * np.uint64(3) + _hash_ids(items)[item])
        if ratings is not None:
            mixed = _mix(mixed + np.ascontiguousarray(ratings, dtype=np.float64).view(np.uint64))
        hashes = np.sort(mixed)
        return cls(items, users, used, len(user), hashes[:MOST_PAIRS])

    def drift(self, now: "TrainedOn") -> Drift:
        """The difference between this training and a catalogue of now. Above MOST_PAIRS, counts are estimates."""
        before, after = _in_common_range(self, now)
        common = len(np.intersect1d(before, after, assume_unique=True))
        known = set(self.items)
        return Drift(
            n_interactions=now.n_pairs,
            n_trained=self.n_pairs,
            n_new=round(now.n_pairs * _share(len(after) - common, len(after))),
            n_gone=round(self.n_pairs * _share(len(before) - common, len(before))),
            n_new_items=sum(item not in known for item in now.items),
            n_trained_items=len(known),
        )

    def save(self, path: Path) -> None:
        """Write the file."""
        arrays = {"used": self.used, "n_pairs": np.array([self.n_pairs]), "pairs": self.pairs}
        save_file({**arrays, **_as_arrays("items", self.items), **_as_arrays("users", self.users)}, path)
        path.chmod(0o644)  # safetensors makes it private, and a server may run as another user

    @classmethod
    def load(cls, path: Path) -> "TrainedOn":
        """Read the file.

        Raises:
            OSError: It cannot be read.
            SafetensorError: It is damaged.
            KeyError: An array is missing.
            ValueError: An array cannot be what it stands for.
        """
        arrays = load_file(path)
        items, users, used = _from_arrays("items", arrays), _from_arrays("users", arrays), arrays["used"]
        if used.shape != (len(items),):
            raise ValueError(f"it has {len(items):,} items, and says of {len(used):,} whether they are used")
        return cls(items, users, used, int(arrays["n_pairs"][0]), arrays["pairs"])


def digest_ids(ids: Sequence[Id]) -> str:
    """A digest of IDs and their order."""
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:16]


def find_positions(wanted: Sequence[Id], ids: Sequence[Id]) -> IntArray:
    """(n_wanted,): the position of each wanted ID among others, or -1 where it is not there."""
    position_of = {identifier: position for position, identifier in enumerate(ids)}
    return np.array([position_of.get(identifier, -1) for identifier in wanted], dtype=np.int64)


def _hash_ids(ids: Sequence[Id]) -> HashArray:
    digests = b"".join(hashlib.blake2b(str(identifier).encode(), digest_size=8).digest() for identifier in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _mix(numbers: HashArray) -> HashArray:
    """Spread numbers over all 64 bits: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _in_common_range(one: TrainedOn, other: TrainedOn) -> tuple[HashArray, HashArray]:
    """The hashes of both up to the greatest one that both would have kept."""
    complete = [each.pairs[-1] for each in (one, other) if len(each.pairs) < each.n_pairs]
    if not complete:
        return one.pairs, other.pairs
    before, after = (each.pairs[: np.searchsorted(each.pairs, min(complete), side="right")] for each in (one, other))
    return before, after


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _as_arrays(side: Side, ids: list[Id]) -> dict[str, Any]:
    """IDs as arrays: whole numbers as they are, texts as their joined UTF-8 and the end of each."""
    if ids and isinstance(ids[0], int):
        return {side: np.array(ids, dtype=np.int64)}
    texts = [str(identifier).encode() for identifier in ids]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return {f"{side}_utf8": np.frombuffer(b"".join(texts), dtype=np.uint8), f"{side}_ends": ends}


def _from_arrays(side: Side, arrays: dict[str, Any]) -> list[Id]:
    if side in arrays:
        numbers: list[Id] = arrays[side].tolist()
        return numbers
    content, ends = arrays[f"{side}_utf8"].tobytes(), arrays[f"{side}_ends"].tolist()
    return [content[start:end].decode() for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
