"""The fields of users, on MovieLens, against the raw file."""

from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import USER

Viewers = dict[int, dict[str, Any]]


def age_category(age: int) -> str:
    if age <= 12:
        return "kid"
    if age <= 19:
        return "teenager"
    if age <= 30:
        return "young_adult"
    return "adult" if age <= 60 else "senior"


async def test_user_metadata_is_that_of_the_raw_file_for_every_user(films: Service, viewers: Viewers) -> None:
    for user, viewer in viewers.items():
        result = await films.call(USER, {"user": user, "get": ["age_category", "age", "gender", "occupation"]})
        assert result["user"] == user
        assert result["fields"] == {
            "age_category": age_category(viewer["age"]),
            "age": viewer["age"],
            "gender": {"M": "male", "F": "female"}[viewer["gender"]],
            "occupation": viewer["occupation"],
        }


async def test_only_the_user_fields_asked_for_come(films: Service, viewers: Viewers) -> None:
    result = await films.call(USER, {"user": 198, "get": ["age_category"]})
    assert result["fields"] == {"age_category": age_category(viewers[198]["age"])}
    assert "young_adult" in result["message"]
    assert str(viewers[198]["age"]) not in result["message"].replace("198", "")


async def test_unknown_users_and_fields_are_errors_that_say_what_is_right(films: Service) -> None:
    with pytest.raises(InvalidInputError, match="viewer 5000 is not in ml-100k: IDs run from 1 to 943"):
        await films.call(USER, {"user": 5000, "get": ["age"]})
    with pytest.raises(InvalidInputError, match=r"no field 'zip_code'.*age, age_category, gender, occupation"):
        await films.call(USER, {"user": 1, "get": ["zip_code"]})
