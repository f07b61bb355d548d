"""The prompts of a dataset: one for each family of questions that it can answer.

Hosts show them as commands with a form.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from mcp_server.dataset.facts import DatasetFacts, Feature, Text
from mcp_server.dataset.moods import NAMES
from mcp_server.errors import InvalidInputError
from mcp_server.prompts.instructions import write_assistant_prompt
from mcp_server.prompts.prompt import Prompt, PromptArgument
from mcp_server.prompts.templates import OTHERS, RECOMMEND, Template
from mcp_server.resources.completions import Items, Names, OneOf, Titles, Users

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip

MOST_CATEGORIES = 12
"""Categories that a prompt has arguments for."""


def build_prompts(facts: DatasetFacts) -> dict[str, Prompt]:
    """The prompts that a dataset can have, by name."""
    arguments = _arguments(facts)
    prompts = [_fill_template(RECOMMEND, facts, arguments)]
    if any(field.kind != "text" for field in facts.spec.filters):
        prompts.append(_recommend_by_attributes(facts, arguments))
    prompts += [_fill_template(each, facts, arguments) for each in OTHERS if each.needs in facts.features]
    text = write_assistant_prompt(facts)
    description = "How an assistant should work with these tools and present what they return."
    prompts.append(Prompt("assistant", "Recommendation assistant", description, "assistant", (), lambda _: text))
    return {prompt.name: prompt for prompt in prompts}


def _arguments(facts: DatasetFacts) -> dict[str, PromptArgument]:
    """The arguments that can be filled in, by the keys that templates use."""
    text = facts.words["text_argument"]
    numbers = tuple(field.name for field in facts.spec.items.fields if field.kind == "number")
    by_title = Feature.FILTERED_TITLES in facts.features
    arguments = {
        "user": PromptArgument("user", "{User} ID", "Whom it is for.", True, Users()),
        "users": PromptArgument("users", "{Users}", "IDs, separated by commas.", True),
        "anyone": PromptArgument("user", "{User} ID", "For whom; left open: for nobody in particular.", False, Users()),
        "k": PromptArgument("k", "How many", "How many {items}; 5 if left open."),
        "mood": PromptArgument("mood", "Mood", f"How the {{user}} feels: {NAMES}, ...", True),
        "text": PromptArgument(text, "{Text}", "What they should be about, in any words.", True),
        "idea": PromptArgument(text, "{Text}", "The idea or text to find an audience for.", True),
        "item": PromptArgument("item", "{Item}", "Its title, or its ID.", True, Titles())
        if by_title
        else PromptArgument("item", "{Item}", "Its ID.", True, Items()),
        "month": PromptArgument("month", "Month", "Its name or number.", True, OneOf(MONTHS)),
        "field": PromptArgument("field", "Field", "What to find the ideal value of.", True, OneOf(numbers)),
        "kind": PromptArgument(facts.words["one"], "{One}", "Which {one}.", True, Names(facts.words["kind"])),
        "items": PromptArgument(
            "items", "{Items}", "IDs, separated by commas; left open: the best five for the {user}."
        ),
    }
    if Feature.NAMED_GROUPS in facts.features:
        examples = ", ".join(facts.group_names[:3]).replace("{", "{{").replace("}", "}}")
        description = f"Such as {examples}. Left open: the {{user}}'s own group."
        arguments["user_group"] = PromptArgument("user_group", "Group", description, False, OneOf(facts.group_names))
    return {
        key: replace(each, title=facts.say(each.title), description=facts.say(each.description))
        for key, each in arguments.items()
    }


def _fill_template(template: Template, facts: DatasetFacts, arguments: Mapping[str, PromptArgument]) -> Prompt:
    """A prompt in the words of a dataset."""

    def say(text: Text) -> str:
        return " ".join(facts.say(text).split())

    chosen = tuple(arguments[key] for key in template.arguments if key in arguments)
    left_open, text_without = template.left_open or (None, "")
    may_be_left_open = any(argument.name == left_open for argument in chosen)

    def write(given: Mapping[str, str]) -> str:
        text = text_without if may_be_left_open and left_open not in given else template.text
        return _fill_in(say(text), given)

    return Prompt(say(template.name), say(template.title), say(template.description), template.icon, chosen, write)


def _fill_in(text: str, given: Mapping[str, str]) -> str:
    """A text with the given values in its places [name], put in all at once: values may have brackets of their own."""
    return re.sub(r"\[(\w+)\]", lambda place: {"k": "5", **given}.get(place[1], place[0]), text)


def _recommend_by_attributes(facts: DatasetFacts, arguments: Mapping[str, PromptArgument]) -> Prompt:
    """The prompt with an argument for each of the first categories that can be filtered, and one for other fields."""
    fields = [field for field in facts.spec.filters if field.kind != "text"]
    categories = [field for field in fields if field.kind == "category"][:MOST_CATEGORIES]
    chosen = [
        PromptArgument(
            field.name,
            field.title,
            f"{field.title}; several, separated by commas, must all hold.",
            source=Names(field.name),
        )
        for field in categories
    ]
    if others := [field.title for field in fields if field not in categories]:
        text = f"Conditions in words, on {', '.join(others)}."
        chosen.append(PromptArgument("conditions", "Other conditions", text))
    question = facts.say("Recommend [k] {items} to {user} [user] with")
    steps = (
        "Find them with item_filter_tool, then call get_top_k_recommendations_tool with its item_set. Report names "
        "that were corrected and, if fewer qualify, that these are all."
    )

    def write(given: Mapping[str, str]) -> str:
        wanted = [f"{each.title.lower()}: {given[each.name]}" for each in chosen if each.name in given]
        if not wanted:
            names = ", ".join(each.name for each in chosen)
            raise InvalidInputError(f"recommend_by_attributes: fill in at least one of {names}")
        return f"{_fill_in(question, given)} {'; '.join(wanted)}. {steps}"

    return Prompt(
        "recommend_by_attributes",
        facts.say("Recommend {items} with given attributes"),
        facts.say("The best {items} for a {user} among those that meet conditions on any of the fields."),
        "filter",
        (arguments["user"], *chosen, arguments["k"]),
        write,
    )
