"""Prompts of all kinds of datasets: each can be answered with the tools that there are."""

import re
from collections.abc import Collection

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.prompts.instructions import write_instructions
from mcp_server.prompts.library import build_prompts
from mcp_server.prompts.prompt import Prompt
from mcp_server.serving.service import Service
from mcp_server.tools import build_tools
from tests.dataset.variants import EVERY_SET, films_without


def written(prompt: Prompt) -> list[str]:
    """The prompt with every argument filled in, and with those that must be."""
    everything = {argument.name: f"<{argument.name}>" for argument in prompt.arguments} | (
        {"k": "7"} if any(argument.name == "k" for argument in prompt.arguments) else {}
    )
    required = {argument.name: everything[argument.name] for argument in prompt.arguments if argument.required}
    texts = [prompt.text(everything)]
    if prompt.name != "recommend_by_attributes":
        texts.append(prompt.text(required))
    for argument in prompt.arguments:
        assert everything[argument.name] in texts[0]
    for value in required.values():
        assert value in texts[-1]
    return texts


def assert_answerable(text: str, tools: Collection[str]) -> None:
    assert set(re.findall(r"\w+_tool\b", text)) <= set(tools)
    assert not re.search(r"[\[{]\w+[\]}]", text.replace('["', ""))


@pytest.mark.parametrize("removed", EVERY_SET, ids=" ".join)
def test_every_prompt_is_written_out_and_names_tools_that_there_are(removed: tuple[str, ...]) -> None:
    facts = films_without(*removed)
    prompts, tools = build_prompts(facts), build_tools(facts)
    assert ("recommend_for_mood" in prompts) == ("search" not in removed)
    assert ("best_genre_for_month" in prompts) == ("filters" not in removed)
    for prompt in prompts.values():
        for text in written(prompt):
            assert_answerable(text, tools)


@pytest.mark.parametrize("removed", EVERY_SET, ids=" ".join)
def test_instructions_name_tools_that_there_are(removed: tuple[str, ...]) -> None:
    facts = films_without(*removed)
    text = write_instructions(facts)
    assert_answerable(text, build_tools(facts))
    assert ("in a group" in text) == (not {"groups", "user fields"} & set(removed))


def test_a_popular_film_is_of_the_named_group_or_else_of_the_users_own(films: Service) -> None:
    prompt = build_prompts(films.facts)["recommend_popular"]
    assert "in the group teenager:" in prompt.text({"user": "4", "user_group": "teenager"})
    assert "the viewer's own group" in prompt.text({"user": "4"})
    with pytest.raises(InvalidInputError, match="no argument 'user_group'"):
        build_prompts(films_without("groups"))["recommend_popular"].text({"user": "4", "user_group": "teenager"})


def test_what_is_filled_in_is_not_taken_for_a_place_to_fill_in() -> None:
    prompt = build_prompts(films_without())["recommend_by_storyline"]
    assert '"a [user] with {braces}"' in prompt.text({"user": "4", "storyline": "a [user] with {braces}"})


def test_several_users_are_passed_on_as_a_list(films: Service) -> None:
    said = build_prompts(films.facts)["recommend_together"].text({"users": "12, 85", "k": "3"})
    assert "Recommend 3 films to the viewers 12, 85 together" in said
    assert "with these IDs as users and k=3" in said
