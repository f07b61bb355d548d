"""IDs by position and positions by ID, against a dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.catalog.arrays import as_utf8
from mcp_server.catalog.item_ids import UNKNOWN, IntegerIds, TextIds

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.sets(INTEGERS, min_size=1), st.lists(INTEGERS | st.integers() | TEXTS))
def test_integers_are_found_where_they_are(known: set[int], others: list[int | str]) -> None:
    ids = sorted(known)
    position_of: dict[int | str, int] = {each: position for position, each in enumerate(ids)}
    found = IntegerIds(np.array(ids, dtype=np.int64))
    asked = [*reversed(ids), *others]
    assert found.find(asked).tolist() == [position_of.get(each, UNKNOWN) for each in asked]
    assert found.at(np.arange(len(ids))) == ids


@given(st.sets(TEXTS, min_size=1), st.lists(TEXTS | INTEGERS))
def test_texts_are_found_where_they_are(known: set[str], others: list[int | str]) -> None:
    ids = sorted(known)
    position_of: dict[int | str, int] = {each: position for position, each in enumerate(ids)}
    content, ends = as_utf8(ids)
    found = TextIds(content.tobytes(), ends)
    asked = [*reversed(ids), *others]
    assert found.find(asked).tolist() == [position_of.get(each, UNKNOWN) for each in asked]
    assert found.at(np.arange(len(ids))) == ids


def test_half_a_surrogate_pair_is_no_id() -> None:
    content, ends = as_utf8(["a", "b"])
    assert TextIds(content.tobytes(), ends).find(["\ud83c"]).tolist() == [UNKNOWN]
