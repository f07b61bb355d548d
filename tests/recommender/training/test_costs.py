"""The model that is chosen by the size of a catalogue and the memory of the machine."""

import pytest

from mcp_server.dataset.spec import Nouns
from mcp_server.errors import TrainingError
from mcp_server.recommender.training.costs import Shape, check_room, cost_of, free_memory, plan

PRODUCTS = Nouns(item="product", items="products")
PLENTY = 1e12

SMALL = Shape(n_items=1_700, n_users=900, n_pairs=100_000, n_rows=6_000, n_products=20_000_000)
FEW_USERS = Shape(n_items=17_632, n_users=1_892, n_pairs=93_000, n_rows=1_892, n_products=4_600_000)
LARGE = Shape(n_items=100_000, n_users=200_000, n_pairs=10_000_000, n_rows=200_400, n_products=2_000_000_000)


@pytest.mark.parametrize(("shape", "models"), [(SMALL, ("CEASE",)), (FEW_USERS, ("CEASE",)), (LARGE, ("CKNN", "ALS"))])
def test_the_size_decides(shape: Shape, models: tuple[str, ...]) -> None:
    assert plan(shape, PRODUCTS, PLENTY).models == models


def test_what_will_be_trained_is_said_with_its_size_time_and_memory() -> None:
    said = plan(LARGE, PRODUCTS, PLENTY).sentence
    assert said.startswith("100,000 products: sparse item-item (CKNN) or factors (ALS), whichever ranks better; about ")
    assert said.endswith(" GB")


def test_a_model_without_room_is_not_chosen() -> None:
    needed = cost_of("CEASE", SMALL)
    assert needed is not None
    assert plan(SMALL, PRODUCTS, needed.n_bytes * 0.99).models != ("CEASE",)


def test_where_nothing_has_room_the_error_says_what_it_would_take() -> None:
    with pytest.raises(TrainingError, match=r"100,000 products .* takes about .* GB, and 0\.1 GB of memory are free"):
        plan(LARGE, PRODUCTS, 1e8)


def test_a_model_that_is_named_is_refused_where_it_has_no_room() -> None:
    with pytest.raises(TrainingError, match=r"CEASE takes about .* GB for 100,000 items.* `--model auto`"):
        check_room("CEASE", LARGE, 20e9)
    check_room("CEASE", SMALL, 20e9)


def test_the_machine_has_memory() -> None:
    assert free_memory() > 1e8


def test_a_containers_memory_counts_where_it_is_less(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("mcp_server.recommender.training.costs.CONTROL_GROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert free_memory() == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() > 1e8
