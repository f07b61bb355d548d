"""Groups of items, against dictionaries filled one item at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.catalog.item_groups import ItemGroups, Value, by_column
from mcp_server.catalog.twins import Twins
from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.groupings import ItemGrouping

N_ITEMS = 12

memberships = st.lists(st.sets(st.integers(0, 4)), min_size=N_ITEMS, max_size=N_ITEMS)


def grouped(of_items: list[set[int]]) -> ItemGroups:
    """Items in groups; those of none are in a further one."""
    entries = [(item, group) for item, groups in enumerate(of_items) for group in sorted(groups) or [5]]
    items, groups = np.array(entries, dtype=np.int64).T
    values: list[Value] = [*"abcde", None]
    return ItemGroups(items, groups, (np.arange(6),), (values,))


def members(groups: ItemGroups) -> dict[tuple[Value, ...], list[int]]:
    """The items of each group, by its values."""
    found: dict[tuple[Value, ...], list[int]] = {}
    for item, group in zip(groups.items.tolist(), groups.groups.tolist(), strict=True):
        columns = zip(groups.places, groups.values, strict=True)
        key = tuple(values[places[group]] for places, values in columns if isinstance(values, list))
        found.setdefault(key, []).append(item)
    return {key: sorted(items) for key, items in found.items()}


@given(memberships, memberships)
def test_two_groupings_together_have_the_items_that_are_in_both(one: list[set[int]], other: list[set[int]]) -> None:
    expected: dict[tuple[Value, ...], list[int]] = {}
    for item in range(N_ITEMS):
        for first in sorted(one[item]) or [5]:
            for second in sorted(other[item]) or [5]:
                key = ([*"abcde", None][first], [*"abcde", None][second])
                expected.setdefault(key, []).append(item)
    assert members(grouped(one).times(grouped(other))) == expected


@given(memberships, st.lists(st.integers(0, N_ITEMS - 1), max_size=N_ITEMS), st.sets(st.integers(0, N_ITEMS - 1)))
def test_items_that_are_the_same_count_once_in_each_group(
    of_items: list[set[int]], same: list[int], allowed: set[int]
) -> None:
    canonical = np.arange(N_ITEMS)
    for item, other in enumerate(same):
        canonical[item] = canonical[min(item, other)]
    mask = np.array([item in allowed for item in range(N_ITEMS)])
    groups = grouped(of_items).among(mask)
    numbers, values = groups.n_items(Twins(canonical)), np.arange(1.0, N_ITEMS + 1)
    sums = groups.sums(values)
    for group in range(6):
        items = [item for item in allowed if group in (of_items[item] or {5})]
        assert numbers[group] == len({canonical[item] for item in items})
        assert sums[group] == sum(values[item] for item in items)
    assert groups.overlap == any(len(of_items[item]) > 1 for item in allowed)


@given(st.lists(st.none() | st.integers(-500, 500), min_size=1, max_size=400))
def test_numbers_of_many_values_are_in_quarters_named_by_their_ends(numbers: list[int | None]) -> None:
    known = sorted(number for number in numbers if number is not None)
    column = np.array([np.nan if number is None else number for number in numbers])
    found = members(by_column(column, ItemGrouping("n", FieldSpec(name="n", kind="number"))))
    assert found.pop((None,), []) == [item for item, number in enumerate(numbers) if number is None]
    assert sorted(item for items in found.values() for item in items) == [
        item for item, number in enumerate(numbers) if number is not None
    ]
    if len(set(known)) <= 50:
        assert {key: {numbers[item] for item in items} for key, items in found.items()} == {
            (number,): {number} for number in known
        }
        return
    assert len(found) == 4
    for (name,), items in found.items():
        least, greatest = map(int, str(name).split(" to "))
        inside = [number for number in known if least <= number <= greatest]
        assert sorted(numbers[item] or 0 for item in items) == inside
        assert (inside[0], inside[-1]) == (least, greatest)
        most_alike = max(known.count(number) for number in set(known))
        assert abs(len(items) - len(known) / 4) <= most_alike + 1


def test_dates_of_any_precision_have_years_months_and_decades() -> None:
    texts = ["", "1995", "1995-11", "1987-11-22", "2001-02-03T18:30:00Z", "2001"]
    column, field = np.array(texts, "S20"), FieldSpec(name="d", kind="date")
    years, months, decades = (members(by_column(column, ItemGrouping("d", field, part))) for part in PARTS)
    assert years == {(None,): [0], (1995,): [1, 2], (1987,): [3], (2001,): [4, 5]}
    assert months == {(None,): [0, 1, 5], (11,): [2, 3], (2,): [4]}
    assert decades == {(None,): [0], ("1990s",): [1, 2], ("1980s",): [3], ("2000s",): [4, 5]}


PARTS = ("year", "month", "decade")


def test_booleans_are_true_false_or_not_known() -> None:
    column = np.array([1, 0, -1, 1], "i1")
    found = members(by_column(column, ItemGrouping("b", FieldSpec(name="b", kind="boolean"))))
    assert found == {(True,): [0, 3], (False,): [1], (None,): [2]}


def test_a_year_has_a_group_of_its_own_however_many_there_are() -> None:
    column, field = np.arange(1900, 2000), FieldSpec(name="release_year", kind="number", integer=True)
    assert len(members(by_column(column, ItemGrouping("release_year", field)))) == 100
    decades = members(by_column(column, ItemGrouping("release_year:decade", field, "decade")))
    assert list(decades) == [(f"{decade}s",) for decade in range(1900, 2000, 10)]
