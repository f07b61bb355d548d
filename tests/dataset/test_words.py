"""The words of datasets: what tools, prompts and instructions say is about their own fields."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from mcp_server.apps import build_pages
from mcp_server.dataset.computed_fields import computed_fields
from mcp_server.dataset.facts import DatasetFacts, Feature
from mcp_server.dataset.groupings import item_groupings
from mcp_server.dataset.words import either, round_middle, singular
from mcp_server.prompts.instructions import write_assistant_prompt, write_instructions
from mcp_server.prompts.library import build_prompts
from mcp_server.resources.dataset_card import write_card
from mcp_server.resources.resources import Resources
from mcp_server.tools import build_tools
from tests.dataset.made_up import MADE_UP, library, music, shop, titles_only
from tests.dataset.variants import films_without
from tests.names import FILTER

FILM_WORDS = re.compile(
    r"\b(films?|movies?|viewers?|watch\w*|genres?|comed\w+|actors?|directors?|imdb\w*|plots?|stor(y|ies|ylines?)|"
    r"moods?|sad|kidnapped|teenagers?|lengths?|seasons?|christmas|december|months?|length)\b",
    re.IGNORECASE,
)


def said(facts: DatasetFacts) -> Iterator[str]:
    """All that is said of a dataset: by tools, prompts, instructions, resources and pages."""
    for tool in build_tools(facts).values():
        yield f"{tool.title}. {tool.description} {json.dumps([tool.input_schema, tool.output_schema])}"
    for prompt in build_prompts(facts).values():
        filled = {argument.name: "5" for argument in prompt.arguments}
        required = {argument.name: "5" for argument in prompt.arguments if argument.required}
        yield f"{prompt.name} {prompt.title}. {prompt.description} {prompt.text(filled)}"
        yield " ".join(f"{each.name} {each.title}. {each.description}" for each in prompt.arguments)
        if prompt.name != "recommend_by_attributes":
            yield prompt.text(required)
    yield write_instructions(facts)
    yield write_assistant_prompt(facts)
    yield write_card(facts)
    resources = Resources(facts)
    yield " ".join(f"{each.title}. {each.description}" for each in (*resources.listed(), *resources.templates()))
    yield " ".join(f"{page.title}. {page.description}" for page in build_pages(facts).values())


@pytest.mark.parametrize("made", MADE_UP.values(), ids=MADE_UP)
def test_something_is_trending_only_where_there_are_times(made: Callable[[], DatasetFacts]) -> None:
    facts = made()
    assert any("trending" in text for text in said(facts)) == (Feature.TIMES in facts.features)


@pytest.mark.parametrize("made", MADE_UP.values(), ids=MADE_UP)
def test_nothing_that_is_said_is_about_films(made: Callable[[], DatasetFacts]) -> None:
    for text in said(made()):
        assert not FILM_WORDS.findall(text.replace(":month", "")), text  # a part of any date


@pytest.mark.parametrize("made", MADE_UP.values(), ids=MADE_UP)
def test_before_preparation_nothing_is_about_films_either(made: Callable[[], DatasetFacts]) -> None:
    for text in said(DatasetFacts(made().spec, None)):
        assert not FILM_WORDS.findall(text.replace(":month", "")), text  # a part of any date


@pytest.mark.parametrize("made", MADE_UP.values(), ids=MADE_UP)
def test_names_with_underscores_are_those_of_fields_tools_prompts_and_arguments(
    made: Callable[[], DatasetFacts],
) -> None:
    facts = made()
    tools, prompts = build_tools(facts), build_prompts(facts)
    known = {*tools, *prompts, *(field.name for field in (*facts.spec.items.fields, *facts.spec.users.fields))}
    known |= {field.name for field in computed_fields(facts.spec)} | {*item_groupings(facts.spec)}
    for tool in tools.values():
        known |= {*re.findall(r'"(\w+)":', json.dumps([tool.input_schema, tool.output_schema]))}
    for text in said(facts):
        assert set(re.findall(r"\b[a-z]+_\w+", text)) <= known


def examples(facts: DatasetFacts) -> list[str]:
    """The conditions that the filter's description gives as examples."""
    return re.findall(r'"([^"]+)"', build_tools(facts)[FILTER].description.split("Returns")[0])


def test_examples_of_conditions_are_made_of_the_datasets_fields_and_values() -> None:
    assert examples(shop()) == ["department Garden", "price above 20", "refurbished true"]
    assert examples(library()) == [
        "authors Ada Adams",
        "pages above 500",
        "published before 2024",
        "large print true",
    ]
    assert examples(music()) == ["styles Jazz", "tempo above 100", "recording year before 2023"]
    assert examples(titles_only()) == []
    assert "must hold. Also finds" in build_tools(titles_only())[FILTER].description


def test_a_dataset_without_times_has_nothing_new() -> None:
    for made in (shop, music, titles_only):
        for name, prompt in build_prompts(made()).items():
            filled = {argument.name: "5" for argument in prompt.arguments}
            assert not re.search(r"newest|recent", prompt.text(filled)), name


def test_prompts_about_a_text_are_named_after_it() -> None:
    books, films = build_prompts(library()), build_prompts(films_without())
    assert {"recommend_by_blurb", "audience_for_blurb"} < set(books)
    assert {"recommend_by_storyline", "audience_for_storyline"} < set(films)
    text = books["recommend_by_blurb"].text({"user": "u1", "blurb": "ships in a storm"})
    assert 'match this: "ships in a storm"' in text


def test_moods_are_spoken_of_only_where_texts_tell_them() -> None:
    for facts, expected in ((films_without(), True), (films_without("search"), False), (library(), False)):
        assert (Feature.MOODS in facts.features) == expected
        assert any("mood" in text for text in said(facts)) == expected


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("genres", "genre"),
        ("department", "department"),
        ("countries", "country"),
        ("categories", "category"),
        ("series", "series"),
        ("class", "class"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("ties", "tie"),
        ("", ""),
    ],
)
def test_one_of_several_things_is_called_by_its_singular(name: str, one: str) -> None:
    assert singular(name) == one


@pytest.mark.parametrize(
    ("least", "greatest", "middle"),
    [(3.2, 45.0, "20"), (20, 900, "500"), (1922, 1998, "1960"), (0.1, 0.2, "0.15"), (2, 3, "2.5"), (7, 7, "7")],
)
def test_the_example_of_a_number_is_round_and_in_its_range(least: float, greatest: float, middle: str) -> None:
    assert round_middle(least, greatest) == middle


def test_alternatives_are_listed_as_people_do() -> None:
    assert [either(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a or b", "a, b or c"]
