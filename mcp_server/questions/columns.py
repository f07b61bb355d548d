"""The records of items or of users as columns, for counting without a loop over records."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.records import Records
from mcp_server.dataset.words import is_year
from mcp_server.types import BoolArray, DoubleArray, Id, IntArray


@dataclass(frozen=True)
class Terms:
    """The values of a category or boolean: the record ``records[i]`` has the name ``names[codes[i]]``."""

    n_records: int
    names: list[str]
    records: IntArray
    """(n_values,): positions, which rise."""
    codes: IntArray
    """(n_values,)."""

    @classmethod
    def of(cls, column: Sequence[Any], *, many: bool) -> "Terms":
        """The terms of a column of lists of names, or of names."""
        if many:
            lengths = np.fromiter(map(len, column), dtype=np.int64, count=len(column))
            flat = list(chain.from_iterable(column))
        else:
            lengths = np.fromiter((value is not None for value in column), dtype=np.int64, count=len(column))
            flat = [value for value in column if value is not None]
        code_of = {name: code for code, name in enumerate(dict.fromkeys(flat))}
        codes = np.fromiter(map(code_of.__getitem__, flat), dtype=np.int64, count=len(flat))
        records = np.repeat(np.arange(len(column)), lengths)
        return cls(len(column), list(code_of), records, codes)

    @property
    def counts(self) -> IntArray:
        """(n_names,): the number of records with each name."""
        return np.bincount(self.codes, minlength=len(self.names))

    def holds(self, code: int) -> BoolArray:
        """(n_records,): True where a record has the name."""
        mask = np.zeros(self.n_records, dtype=bool)
        mask[self.records[self.codes == code]] = True
        return mask

    def sums(self, of_records: DoubleArray | IntArray) -> DoubleArray:
        """(n_names,): sums over the records that have each name.

        Args:
            of_records: (n_records,).
        """
        sums = np.bincount(self.codes, of_records[self.records], minlength=len(self.names))
        return sums.astype(np.float64)

    def of_record(self, position: int) -> list[int]:
        """The codes of one record."""
        begin, end = np.searchsorted(self.records, [position, position + 1])
        found: list[int] = self.codes[begin:end].tolist()
        return found


class Columns:
    """The records of items or users.

    Args:
        records: Read once, and not needed afterwards.
        texts: Names of the text fields that are kept.
    """

    def __init__(self, records: Records, fields: Sequence[FieldSpec], texts: Sequence[str] = ()) -> None:
        self.ids: list[Id] = list(records.ids)
        self.fields: dict[str, FieldSpec] = {}
        self.numbers: dict[str, DoubleArray] = {}
        """Numbers, and the years of dates, which are NaN where unknown: (n_records,) each."""
        self.terms: dict[str, Terms] = {}
        self.texts: dict[str, list[str | None]] = {}
        kept = [field for field in fields if field.kind != "text" or field.name in texts]
        rows = list(zip(*records.rows([field.name for field in kept]), strict=True))
        for field, column in zip(kept, rows or [()] * len(kept), strict=True):
            self._add(field, column)

    def __len__(self) -> int:
        return len(self.ids)

    def _add(self, field: FieldSpec, column: Sequence[Any]) -> None:
        self.fields[field.name] = field
        if field.kind == "category":
            self.terms[field.name] = Terms.of(column, many=field.many)
        elif field.kind == "boolean":
            words = {True: "yes", False: "no", None: None}
            self.terms[field.name] = Terms.of([words[value] for value in column], many=False)
        elif field.kind == "number":
            self.numbers[field.name] = np.array(column, dtype=np.float64)
        elif field.kind == "date":
            years = [None if value is None else int(value[:4]) for value in column]
            self.numbers[field.name] = np.array(years, dtype=np.float64)
        else:
            self.texts[field.name] = list(column)


def means_years(field: FieldSpec) -> bool:
    """True for a field whose numbers here are years: "before" and "after" are said of it."""
    return field.kind == "date" or is_year(field)
