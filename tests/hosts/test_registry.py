"""server.json, which tells the MCP registry of the package. Its rules are those of the schema that it names."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from mcp_server import __version__
from mcp_server.hosts.server_entry import is_secret
from mcp_server.settings import Settings

FILE = Path(__file__).parents[2] / "server.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class _Input(_Strict):
    description: str | None = None
    is_required: bool = False
    is_secret: bool = False
    format: Literal["string", "number", "boolean", "filepath"] = "string"
    value: str | None = None
    default: str | None = None
    placeholder: str | None = None
    choices: list[str] | None = None


class _Variable(_Input):
    name: str


class _Argument(_Input):
    type: Literal["named", "positional"]
    name: str | None = None
    value_hint: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "_Argument":
        if self.type == "named" and self.name is None:
            raise ValueError("a named argument has a name")
        if self.type == "positional" and self.value is None and self.value_hint is None:
            raise ValueError("a positional argument has a value or a hint")
        return self


class _Stdio(_Strict):
    type: Literal["stdio"]


class _Package(_Strict):
    registry_type: Literal["pypi"]
    registry_base_url: Literal["https://pypi.org"]  # the only one that the registry takes for this type
    identifier: str
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]  # one version: neither a range nor "latest"
    runtime_hint: str
    runtime_arguments: list[_Argument]
    package_arguments: list[_Argument]
    environment_variables: list[_Variable]
    transport: _Stdio


class _Server(_Strict):
    schema_: Annotated[AnyHttpUrl, Field(alias="$schema")]
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", min_length=3, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[str, Field(min_length=1, max_length=100)]
    version: Annotated[str, Field(max_length=255)]
    packages: list[_Package]


@pytest.fixture
def content() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return parsed


def test_it_keeps_the_rules_of_its_schema(content: dict[str, Any]) -> None:
    _Server.model_validate(content)
    with pytest.raises(ValidationError):
        _Server.model_validate({**content, "description": "x" * 101})


def test_all_versions_are_the_programs(content: dict[str, Any]) -> None:
    (package,) = content["packages"]
    assert {content["version"], package["version"]} == {__version__}
    assert package["runtimeArguments"][0]["value"] == f"recsys-mcp[train]=={__version__}"


def test_the_variables_are_settings_and_secrets_are_marked(content: dict[str, Any]) -> None:
    (package,) = content["packages"]
    for variable in package["environmentVariables"]:
        setting = Settings.model_fields[variable["name"].removeprefix("RECSYS_").lower()]
        assert variable["description"] == setting.description
        assert variable.get("default") == setting.default
        assert variable.get("isSecret", False) == is_secret(variable["name"])
