"""The reference of the tools, with the arguments and results that calls have."""

import re

from docs_site.tools import tools_page
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.serving.service import Service

PAGE = tools_page(DatasetFacts(load_spec(find_spec_file("ml-100k")), None))


def parts(tool: str) -> tuple[str, str]:
    """The table of a tool's arguments, and that of its result."""
    arguments, _, result = PAGE.partition(f"\n## {tool}\n")[2].partition("\n## ")[0].partition("**Result**")
    return arguments, result


def test_the_ten_tools_are_there() -> None:
    assert len(re.findall(r"^## \w+_tool$", PAGE, re.MULTILINE)) == 10


def test_arguments_of_the_filter_are_the_fields() -> None:
    arguments, _ = parts("item_filter_tool")
    assert "| `genres` | list of strings |" in arguments
    assert "| `imdb_rating` | object with `gt`, `gte`, `lt`, `lte`, `eq` |" in arguments


def test_an_argument_that_is_needed_says_so() -> None:
    arguments, _ = parts("get_user_metadata_tool")
    assert re.search(r"\| `user` \| integer \| .*Required\. \|", arguments)


async def test_results_have_the_fields_that_are_listed(films: Service) -> None:
    found = await films.call("get_top_k_recommendations_tool", {"user": 9, "k": 1, "reasons": True})
    _, result = parts("get_top_k_recommendations_tool")
    listed = set(re.findall(r"^\| `([^`]+)`", result, re.MULTILINE))
    (item,) = found["items"]
    assert set(found) | {f"items[].{name}" for name in item} <= listed
    assert {f"items[].because[].{name}" for name in item["because"][0]} <= listed
