"""The bounded cache: never larger than it may be, whatever comes and goes."""

from hypothesis import given
from hypothesis import strategies as st

from mcp_server.sql.cache import BoundedCache


def test_a_full_cache_starts_anew() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache["a"], cache["b"] = 1, 2
    cache["a"] = 3  # takes its own place
    assert cache == {"a": 3, "b": 2}
    cache["c"] = 4
    assert cache == {"c": 4}


def test_an_entry_heavier_than_all_may_be_is_kept_until_the_next() -> None:
    cache: BoundedCache[str, list[int]] = BoundedCache(3, lambda _, value: len(value))
    cache["a"] = [1, 2]
    cache["b"] = [1, 2, 3, 4]
    assert cache == {"b": [1, 2, 3, 4]}
    cache["c"] = [1]
    assert cache == {"c": [1]}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 12) | st.none())))
def test_the_weights_never_add_up_to_more(changes: list[tuple[str, int | None]]) -> None:
    cache: BoundedCache[str, int] = BoundedCache(10, lambda _, weight: weight)
    for key, weight in changes:
        if weight is None:
            cache.forget(key)
            assert key not in cache
        else:
            cache[key] = weight
            assert cache[key] == weight
        assert sum(cache.values()) <= 10 or len(cache) == 1
