"""Groups of users that several fields have names in common for, asked of a prepared catalogue."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import skip_without_recbole
from tests.names import POPULAR

GUESTS: list[dict[str, Any]] = [
    {"guest": f"g{number}", "smoker": "no" if number % 2 else "yes", "vegan": "no" if number % 3 else "yes"}
    for number in range(20)
]

MEALS = [f"m{number:02}" for number in range(30)]

ORDERS = [
    (f"g{guest}", MEALS[(guest * 7 + turn * turn) % len(MEALS)]) for guest in range(len(GUESTS)) for turn in range(8)
]

SPEC: dict[str, Any] = {
    "name": "canteen",
    "title": "Canteen",
    "nouns": {"item": "meal", "items": "meals", "user": "guest", "users": "guests"},
    "items": {
        "id": "meal",
        "id_type": "string",
        "title": "name",
        "sources": [{"file": "meals.csv"}],
        "fields": [{"name": "name", "kind": "text", "filter": True}],
    },
    "users": {
        "id": "guest",
        "id_type": "string",
        "sources": [{"file": "guests.csv"}],
        "fields": [{"name": "smoker", "kind": "category"}, {"name": "vegan", "kind": "category"}],
        "groups": ["smoker", "vegan"],
    },
    "interactions": {"sources": [{"file": "orders.csv"}], "user": "guest", "item": "meal"},
    "model": {"name": "EASE", "settings": {"reg_weight": 100.0}},
}


def write_canteen(folder: Path) -> Path:
    folder.mkdir()
    (folder / "dataset.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    guests = [",".join(guest.values()) for guest in GUESTS]
    tables = {
        "meals": ["meal,name", *(f"{meal},Meal {meal}" for meal in MEALS)],
        "guests": ["guest,smoker,vegan", *guests],
        "orders": ["guest,meal", *(f"{guest},{meal}" for guest, meal in ORDERS)],
    }
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def canteen_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    skip_without_recbole()
    folder = tmp_path_factory.mktemp("canteen")
    settings = Settings(_env_file=None, dataset=str(write_canteen(folder / "dataset")), state=folder / "state")
    prepare_with_progress(settings, Console(stderr=True))
    yield settings


@pytest_asyncio.fixture
async def canteen(canteen_settings: Settings) -> Any:
    service = Service(canteen_settings, prepare_if_needed=False)
    yield service
    await service.close()


def orders_of(belongs: Callable[[dict[str, Any]], bool]) -> Counter[str]:
    members = {guest["guest"] for guest in GUESTS if belongs(guest)}
    return Counter(meal for guest, meal in set(ORDERS) if guest in members)


async def test_names_that_two_fields_share_are_published_with_their_field(canteen: Service) -> None:
    group = canteen.tools[POPULAR].input_schema["properties"]["user_group"]
    assert group["items"]["enum"] == ["smoker:no", "smoker:yes", "vegan:no", "vegan:yes"]


@pytest.mark.parametrize(
    ("groups", "belongs", "said"),
    [
        (["vegan:yes"], lambda guest: guest["vegan"] == "yes", "7 guests (vegan:yes)"),
        (["smoker:yes"], lambda guest: guest["smoker"] == "yes", "10 guests (smoker:yes)"),
        (["Smoker: No"], lambda guest: guest["smoker"] == "no", "10 guests (smoker:no)"),
        (
            ["vegan:no", "smoker:no"],
            lambda guest: guest["vegan"] == guest["smoker"] == "no",
            "7 guests (vegan:no and smoker:no)",
        ),
        (["vegan:yes", "vegan:no"], lambda guest: True, "20 guests (vegan:yes or vegan:no)"),
    ],
)
async def test_each_group_counts_its_own_members(
    canteen: Service, groups: list[str], belongs: Callable[[dict[str, Any]], bool], said: str
) -> None:
    expected = orders_of(belongs)
    result = await canteen.call(POPULAR, {"user_group": groups, "k": 3})
    assert [(item["item_id"], item["n_interactions"]) for item in result["items"]] == sorted(
        expected.items(), key=lambda entry: (-entry[1], entry[0])
    )[:3]
    assert said in result["message"]


async def test_a_name_of_several_groups_is_refused_with_what_it_can_mean(canteen: Service) -> None:
    with pytest.raises(InvalidInputError, match="Say which: smoker:yes, vegan:yes"):
        await canteen.call(POPULAR, {"user_group": ["yes"]})
