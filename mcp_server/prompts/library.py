"""Prompts: the questions that people ask of a recommender, ready to be filled in and put to an assistant.

One for each family of questions that a dataset can answer. Hosts show them as commands with a form; each writes the
question out, with the way to its answer through the tools, so that it works where the server's instructions are not
read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mcp_server.dataset.fields import FieldSpec
from mcp_server.errors import InvalidInputError
from mcp_server.prompts.instructions import write_assistant_prompt
from mcp_server.prompts.prompt import Prompt, PromptArgument
from mcp_server.resources.completions import Items, Names, OneOf, Source, Titles, Users
from mcp_server.tools.base import Facts, Tool, fill

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


def build_prompts(facts: Facts, tools: Mapping[str, Tool]) -> dict[str, Prompt]:
    """The prompts that a dataset can have, by name: none that needs a tool which is not there."""
    return {prompt.name: prompt for prompt in _Writer(facts, tools).prompts()}


def _fill_in(text: str, given: Mapping[str, str]) -> str:
    """Put what was filled in into the places [name], all at once: it may have such places of its own."""
    return re.sub(r"\[(\w+)\]", lambda place: given.get(place[1], place[0]), text)


class _Writer:
    """Writes prompts in the words of a dataset."""

    def __init__(self, facts: Facts, tools: Mapping[str, Tool]) -> None:
        self._facts, self._tools, self._nouns = facts, tools, facts.spec.nouns
        filters = facts.spec.filters
        self._categories = [field for field in filters if field.kind == "category"]
        self._month = next((field for field in filters if field.part == "month"), None)
        self._groups = [name for names in (facts.card.groups if facts.card else {}).values() for name in names]
        self._user = self._argument("user", "{User} ID", "Whom it is for.", required=True, source=Users())
        title = facts.spec.item_field(facts.spec.items.title)
        self._titles_are_found = title is not None and title.filter
        self._k = self._argument("k", "How many", "How many {items}; 5 if left open.")

    def _say(self, text: str) -> str:
        return fill(text, self._nouns)

    def _argument(
        self, name: str, title: str, description: str, required: bool = False, source: Source | None = None
    ) -> PromptArgument:
        return PromptArgument(name, self._say(title), self._say(description), required, source)

    def _prompt(
        self,
        name: str,
        title: str,
        description: str,
        icon: str,
        arguments: list[PromptArgument],
        text: str,
        without: tuple[str, str] | None = None,
    ) -> Prompt:
        """A prompt of one template: {user} and the other nouns are the dataset's words, [user] is what was filled in.

        Args:
            without: An argument, and the text where it is left open.
        """
        title, description = self._say(title), self._say(description)

        def write(given: Mapping[str, str]) -> str:
            chosen = without[1] if without is not None and without[0] not in given else text
            return _fill_in(self._say(" ".join(chosen.split())), {"k": "5", **given})

        return Prompt(name, title, description, icon, tuple(arguments), write)

    def prompts(self) -> Iterator[Prompt]:
        has_search, has_filter = "vector_store_search_tool" in self._tools, "item_filter_tool" in self._tools
        yield self._recommend()
        if has_filter:
            yield self._recommend_by_attributes()
        if has_search:
            yield from (self._recommend_for_mood(), self._recommend_by_storyline(), self._similar_items())
            yield self._audience_for_storyline()
        yield self._popular()
        if has_filter and self._categories:
            if self._month is not None:
                yield self._best_kind_for_month(self._month)
            if any(field.kind == "number" for field in self._facts.spec.items.fields):
                yield self._ideal_number()
        yield from (self._about_user(), self._about_item(), self._explain())
        text = write_assistant_prompt(self._facts, dict(self._tools))
        description = "How an assistant should work with these tools and present what they return."
        yield Prompt("assistant", "Recommendation assistant", description, "assistant", (), lambda _: text)

    def _recommend(self) -> Prompt:
        return self._prompt(
            "recommend",
            "Recommend {items} to a {user}",
            "The {items} that fit a {user} best, of those that the {user} does not know yet.",
            "star",
            [self._user, self._k],
            """Recommend [k] {items} to {user} [user]: call get_top_k_recommendations_tool with user=[user] and k=[k].
            Show titles and IDs in a table, best first, and offer to explain.""",
        )

    def _recommend_by_attributes(self) -> Prompt:
        chosen = [
            PromptArgument(
                field.name,
                field.title,
                f"{field.title}; several, separated by commas, must all hold.",
                source=Names(field.name),
            )
            for field in self._categories
        ]
        others = [field.title for field in self._facts.spec.filters if field.kind == "number"]
        if others:
            text = f"Conditions in words, on {', '.join(others)}."
            chosen.append(PromptArgument("conditions", "Other conditions", text))
        title = self._say("Recommend {items} with given attributes")
        description = self._say("The best {items} for a {user} among those that meet conditions on any of the fields.")
        steps = (
            "Find them with item_filter_tool, then call get_top_k_recommendations_tool with its item_set. Report names "
            "that were corrected and, if fewer qualify, that these are all."
        )

        def write(given: Mapping[str, str]) -> str:
            wanted = [f"{each.title.lower()}: {given[each.name]}" for each in chosen if each.name in given]
            if not wanted:
                names = ", ".join(each.name for each in chosen)
                raise InvalidInputError(f"recommend_by_attributes: fill in at least one of {names}")
            question = self._say("Recommend [k] {items} to {user} [user] with")
            return f"{_fill_in(question, {'k': '5', **given})} {'; '.join(wanted)}. {steps}"

        arguments = (self._user, *chosen, self._k)
        return Prompt("recommend_by_attributes", title, description, "filter", arguments, write)

    def _recommend_for_mood(self) -> Prompt:
        mood = self._argument("mood", "Mood", "How the {user} feels: sad, stressed, in love, ...", True)
        return self._prompt(
            "recommend_for_mood",
            "Recommend {items} for a mood",
            "{Items} that do a {user} good in a mood.",
            "heart",
            [self._user, mood, self._k],
            """{User} [user] feels like this today: [mood]. Recommend [k] {items}. Turn the mood into words for what
            would do good (not the mood itself), search them by vector_store_search_tool with k=30, and rank what it
            finds for the {user}: get_top_k_recommendations_tool with user=[user], k=[k] and the found IDs as items. Say
            which words you searched and why.""",
        )

    def _recommend_by_storyline(self) -> Prompt:
        storyline = self._argument("storyline", "Story", "What they should be about, in any words.", True)
        return self._prompt(
            "recommend_by_storyline",
            "Recommend {items} by story",
            "The best {items} for a {user} among those about something: a plot, a topic, a situation.",
            "story",
            [self._user, storyline, self._k],
            """Recommend [k] {items} to {user} [user] that match this: "[storyline]". Search it by
            vector_store_search_tool with k=20, then call get_top_k_recommendations_tool with user=[user], k=[k] and
            the found IDs as items.""",
        )

    def _similar_items(self) -> Prompt:
        for_whom = "For whom; left open: for nobody in particular."
        return self._prompt(
            "similar_items",
            "{Items} like a given one",
            "{Items} that are most like one of the {items} in what they are about.",
            "similar",
            [self._item(), replace(self._user, required=False, description=for_whom), self._k],
            f"""Recommend [k] {{items}} like "[item]" to {{user}} [user]. {self._look_up} Then call
            vector_store_search_tool with similar_to and k=30, and get_top_k_recommendations_tool with user=[user],
            k=[k] and the found IDs as items. Say what they have in common with it.""",
            (
                "user",
                f"""Which [k] {{items}} are most like "[item]"? {self._look_up} Then call vector_store_search_tool with
                similar_to and k=[k], read the fields of all by get_item_metadata_tool, and say what they have in common
                with it.""",
            ),
        )

    def _item(self) -> PromptArgument:
        if self._titles_are_found:
            return self._argument("item", "{Item}", "Its title, or its ID.", required=True, source=Titles())
        return self._argument("item", "{Item}", "Its ID.", required=True, source=Items())

    @property
    def _look_up(self) -> str:
        return "If that is a title, look up its ID by item_filter_tool." if self._titles_are_found else ""

    def _audience_for_storyline(self) -> Prompt:
        storyline = self._argument("storyline", "Story", "The idea or text to find an audience for.", True)
        return self._prompt(
            "audience_for_storyline",
            "Audience for a story",
            "What share of all {users} would be interested in a story that may not exist yet.",
            "people",
            [storyline],
            """What share of our {users} would be interested in this: "[storyline]"? Search it by
            vector_store_search_tool with k=10, drop results that do not fit, and pass the IDs of the others to
            get_like_percentage_tool. Answer with the percentage, the number of {users} and the {items} that it rests
            on.""",
        )

    def _popular(self) -> Prompt:
        arguments, without = [self._user, self._k], None
        rank = (
            "then get_top_k_recommendations_tool with user=[user], k=[k] and the found IDs as items. Say how popular "
            "each one is."
        )
        text = f"Recommend [k] popular {{items}} to {{user}} [user]: call get_popular_items_tool, {rank}"
        if self._groups:
            of_whom = f"Such as {', '.join(self._groups[:3])}. Left open: the {self._nouns.user}'s own group."
            arguments.insert(1, PromptArgument("user_group", "Group", of_whom, source=OneOf(tuple(self._groups))))
            own = (
                "Recommend [k] {items} to {user} [user] that are popular in the {user}'s own group: ask "
                f"get_user_metadata_tool for it, call get_popular_items_tool with that user_group, {rank}"
            )
            without = ("user_group", own)
            text = (
                "Recommend [k] {items} to {user} [user] that are popular in the group [user_group]: call "
                f"get_popular_items_tool with user_group=[user_group], {rank}"
            )
        return self._prompt(
            "recommend_popular",
            "Recommend what is popular",
            "The best {items} for a {user} among those that are popular, in a group where there are groups.",
            "chart",
            arguments,
            text,
            without,
        )

    def _best_kind_for_month(self, month: FieldSpec) -> Prompt:
        kind = self._categories[0]
        one = kind.name.removesuffix("s")
        argument = PromptArgument("month", "Month", "Its name or number.", required=True, source=OneOf(MONTHS))
        return self._prompt(
            f"best_{one}_for_month",
            f"Best {one} for a month",
            f"Which {one} engages {{users}} most in a month, such as December for Christmas.",
            "calendar",
            [argument],
            f"""Which {one} is the most engaging one in [month]? Find the {{items}} of that month by item_filter_tool
            with {month.name} (a number from 1 to 12), pass its item_set to get_popular_items_tool with k=10, read
            their {kind.name} by get_item_metadata_tool, and compare which {one} comes most often and with most
            {{interactions}}. Say on which {{items}} the answer rests.""",
        )

    def _ideal_number(self) -> Prompt:
        kind = self._categories[0]
        one = kind.name.removesuffix("s")
        numbers = tuple(field.name for field in self._facts.spec.items.fields if field.kind == "number")
        return self._prompt(
            "ideal_value",
            f"Ideal value for a {one}",
            f"What successful {{items}} of a {one} are like: the ideal length of a comedy, ...",
            "ruler",
            [
                PromptArgument("field", "Field", "What to find the ideal value of.", True, OneOf(numbers)),
                PromptArgument(one, one.capitalize(), "Of which kind.", True, Names(kind.name)),
            ],
            f"""What is the ideal [field] of {{items}} of this {one}: [{one}]? Find them by item_filter_tool with
            {kind.name}=["[{one}]"], pass the item_set to get_popular_items_tool with k=3, and read [field] of these by
            get_item_metadata_tool. Answer with the values of the three, their range and their mean, and say that it
            rests on three {{items}}.""",
        )

    def _about_user(self) -> Prompt:
        know = "read all fields by get_user_metadata_tool, and " if "get_user_metadata_tool" in self._tools else ""
        return self._prompt(
            "about_user",
            "Who is this {user}?",
            "What is known of a {user}: fields, history and taste.",
            "person",
            [self._user],
            f"""Describe {{user}} [user]: {know}list the newest 20 {{interactions}} by get_interacted_items_tool with
            detail="full". Sum up in a few sentences what this {{user}} likes, and name the {{items}} that show it.""",
        )

    def _about_item(self) -> Prompt:
        return self._prompt(
            "about_item",
            "About one of the {items}",
            "What is known of one of the {items}, and how many {users} like it.",
            "info",
            [self._item()],
            f"""Tell me about the {{item}} "[item]". {self._look_up} Read all its fields by get_item_metadata_tool and
            its audience by get_like_percentage_tool.""",
        )

    def _explain(self) -> Prompt:
        items = self._argument("items", "{Items}", "IDs, separated by commas; left open: the best five for the {user}.")
        compare = """Read the fields of the recommended {items} by get_item_metadata_tool and the {user}'s newest ones
            by get_interacted_items_tool. Compare them one by one: what the model gives as reasons, and what they have
            in common in content."""
        return self._prompt(
            "explain_recommendations",
            "Explain recommendations",
            "Why the recommender chooses these {items} for a {user}.",
            "question",
            [self._user, items],
            f"""Why are the {{items}} [items] recommended to {{user}} [user]? Call get_top_k_recommendations_tool with
            user=[user], items=[items] and reasons=true. {compare}""",
            (
                "items",
                f"""Recommend 5 {{items}} to {{user}} [user] and explain them: call get_top_k_recommendations_tool with
                user=[user], k=5 and reasons=true. {compare}""",
            ),
        )
