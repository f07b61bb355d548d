"""A canteen: meals with dates and booleans, and guests in groups that share their names."""

from pathlib import Path
from typing import Any

import yaml

GUESTS: list[dict[str, Any]] = [
    {
        "guest": f"g{number}",
        "smoker": "no" if number % 2 else "yes",
        "vegan": "no" if number % 3 else "yes",
        "staff": ("true", "false", "")[number % 3],
    }
    for number in range(20)
]

"""The last column is a boolean, which is not known of every third guest."""

MEALS: list[dict[str, Any]] = [
    {
        "meal": f"m{number:02}",
        "name": f"Meal {number:02}",
        "first_served": ("2023", "2023-11", "2023-12-31", "2024-01-01", "2024-02", "")[number % 6],
        "hot": ("yes", "no", "no", "")[number % 4],
    }
    for number in range(30)
]

ORDERS = [
    (f"g{guest}", f"m{(guest * 7 + turn * turn) % len(MEALS):02}") for guest in range(len(GUESTS)) for turn in range(8)
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
        "fields": [
            {"name": "name", "kind": "text", "filter": True},
            {"name": "first_served", "kind": "date", "filter": True},
            {"name": "hot", "kind": "boolean", "filter": True},
        ],
    },
    "users": {
        "id": "guest",
        "id_type": "string",
        "sources": [{"file": "guests.csv"}],
        "fields": [
            {"name": "smoker", "kind": "category"},
            {"name": "vegan", "kind": "category"},
            {"name": "staff", "kind": "boolean"},
        ],
        "groups": ["smoker", "vegan", "staff"],
    },
    "interactions": {"sources": [{"file": "orders.csv"}], "user": "guest", "item": "meal"},
    "model": {"name": "EASE", "settings": {"reg_weight": 100.0}},
}


def write_canteen(folder: Path) -> Path:
    folder.mkdir()
    (folder / "dataset.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    orders = [{"guest": guest, "meal": meal} for guest, meal in ORDERS]
    for name, records in (("meals", MEALS), ("guests", GUESTS), ("orders", orders)):
        lines = [",".join(records[0]), *(",".join(record.values()) for record in records)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
