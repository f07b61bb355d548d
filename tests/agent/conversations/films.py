"""A platform owner's questions about films, and what a model that follows the server's instructions does with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.agent.scripted_models import Call, Reading, Say, call
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER

STORYLINE = (
    "A shy clerk finds a suitcase of money on a night train and is hunted across the country by the thieves, "
    "until a waitress in a small town hides him."
)

GENRES = ("Comedy", "Drama", "Children's")


@dataclass(frozen=True)
class Question:
    """A question, the steps of the model, and the tools that are to be called by them."""

    asked: str
    steps: tuple[Say, ...]
    tools: tuple[str, ...] = ()
    model_reads: tuple[str, ...] = ()
    """What has to be in what the tools say."""
    answer_has: tuple[str, ...] = ()


Family = tuple[Question, ...]
"""A conversation."""


# What a model that behaves well makes of results


def table(tool: str, *fields: str) -> Callable[[Reading], str]:
    """What the tool said, and its items with some fields, in a table."""

    def write(reading: Reading) -> str:
        result = reading.last(tool)
        rows = [
            [item["title"], item["item_id"], *(_shown(item.get(field)) for field in fields)] for item in result["items"]
        ]
        heads = ["Title", "ID", *(field.replace("_", " ").capitalize() for field in fields)]
        return f"{result['message']}\n\n{_table(heads, rows)}\n\nShall I explain these?"

    return write


def _table(heads: list[str], rows: list[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def of_set(tool: str, **more: Any) -> Callable[[Reading], Mapping[str, Any]]:
    """Arguments: the set that a tool has found, and others."""
    return lambda reading: {"item_set": reading.last(tool)["item_set"], **more}


def of_items(tool: str, **more: Any) -> Callable[[Reading], Mapping[str, Any]]:
    """Arguments: the IDs that a tool has listed, and others."""
    return lambda reading: {"items": [item["item_id"] for item in reading.last(tool)["items"]], **more}


# Follow-ups, after any recommendation


def explained(user: int) -> tuple[Question, ...]:
    """ "Why?", after which the model offers a comparison, "yes, explain", and "how did you get there?"."""

    def with_reasons(reading: Reading) -> Mapping[str, Any]:
        last = [exchange.arguments for exchange in reading.exchanges if exchange.tool == RECOMMEND][-1]
        return {**last, "reasons": True}

    def compared(reading: Reading) -> str:
        lines = [
            f"- **{item['title']}** (ID {item['item_id']}): the model names "
            + ", ".join(f'"{reason["title"]}"' for reason in item["because"])
            for item in reading.last(RECOMMEND)["items"]
        ]
        newest = reading.last(HISTORY)["items"][0]
        return "\n".join([*lines, "", f"**Newest rating:** {newest['title']}, on {newest['date']}"])

    def steps_taken(reading: Reading) -> str:
        return "\n".join(
            f"{number}. {exchange.tool}, with {', '.join(exchange.arguments)}: {exchange.data['message']}"
            for number, exchange in enumerate(reading.exchanges, 1)
        )

    return (
        Question("Why?", (Say("Shall I compare these films with what the viewer rated of late?"),)),
        Question(
            "Yes, explain.",
            (
                Say(
                    "I ask for the reasons again, and for the newest ratings, to compare them.",
                    (Call(RECOMMEND, with_reasons), Call(HISTORY, {"user": user})),
                ),
                call(ITEM, of_items(RECOMMEND, get=["genres", "description"])),
                Say(compared),
            ),
            tools=(RECOMMEND, HISTORY, ITEM),
            model_reads=('"because":[{', '"rating":', '"description":'),
            answer_has=("the model names", "Newest rating"),
        ),
        Question("How did you get there?", (Say(steps_taken),), answer_has=(RECOMMEND, HISTORY, ITEM)),
    )


def one(asked: str, *steps: Say, **expected: Any) -> Family:
    """A conversation of one question; the tools are those of its steps."""
    return (Question(asked, steps, tuple(each.tool for step in steps for each in step.calls), **expected),)


# The families


def _share(reading: Reading) -> str:
    return f"Of all viewers, {reading.last(LIKE)['percentage']:g}% would be interested."


def _ideal_length(reading: Reading) -> str:
    lengths = [item["duration"] for item in reading.last(ITEM)["items"]]
    return f"{table(ITEM, 'duration')(reading)}\n\nOn average {sum(lengths) / len(lengths):.0f} minutes."


def _most_engaging(reading: Reading) -> str:
    counts = [sum(item["n_interactions"] for item in result["items"]) for result in reading.all(POPULAR)]
    rows = [list(pair) for pair in zip(GENRES, counts, strict=True)]
    best = GENRES[counts.index(max(counts))]
    return f"{_table(['Genre', 'Ratings of the 3 most popular'], rows)}\n\nMost engaging: {best}."


def _christmas_sets(reading: Reading) -> tuple[str, ...]:
    return tuple(result["item_set"] for result in reading.all(FILTER))


def _set_number(number: int) -> Callable[[Reading], Mapping[str, Any]]:
    return lambda reading: {"item_set": _christmas_sets(reading)[number], "k": 3}


def _groups_of_user(reading: Reading) -> Mapping[str, Any]:
    return {"user_group": [reading.last(USER)["fields"]["age_category"]], "k": 20}


FAMILIES: dict[str, Family] = {
    "recommend": (
        *one(
            "Recommend something for user 4.",
            call(RECOMMEND, {"user": 4, "k": 5}, "I ask the recommender for the five best films for this viewer."),
            Say(table(RECOMMEND)),
            model_reads=("5 films for viewer 4, best first.",),
        ),
        *explained(4),
    ),
    "without a user": (
        Question("Recommend a film.", (Say("For which viewer? Please give me the ID."),), answer_has=("ID",)),
        *one("User 4.", call(RECOMMEND, {"user": 4, "k": 1}), Say(table(RECOMMEND))),
    ),
    "actor": (
        *one(
            "Recommend a Tom Cruise film for user 9.",
            call(FILTER, {"actors": ["Tom Cruise"]}, "First I find the films with Tom Cruise, then I rank them."),
            call(RECOMMEND, of_set(FILTER, user=9, k=1)),
            Say(table(RECOMMEND)),
            model_reads=("6 films found.", "1 film for viewer 9"),
        ),
        *explained(9),
    ),
    "genre": one(
        "Recommend 3 comedies for user 98.",
        call(FILTER, {"genres": ["Comedy"]}),
        call(RECOMMEND, of_set(FILTER, user=98, k=3)),
        Say(table(RECOMMEND)),
        model_reads=("3 films for viewer 98",),
    ),
    "actor and rating, misspelt": one(
        "Films starring Tom Cruize with an IMDb rating above 6, for user 2.",
        call(FILTER, {"actors": ["Tom Cruize"], "imdb_rating": {"gt": 6}}),
        call(RECOMMEND, of_set(FILTER, user=2, k=5)),
        Say(
            lambda reading: (
                f"I took {reading.last(FILTER)['corrections'][0]['asked']} for "
                f"{reading.last(FILTER)['corrections'][0]['used'][0]}.\n\n{table(RECOMMEND)(reading)}"
            )
        ),
        model_reads=("'Tom Cruize' was taken for 'Tom Cruise'.", "6 films found."),
        answer_has=("Tom Cruize for Tom Cruise",),
    ),
    "fewer than asked": one(
        "Recommend 10 Tom Cruise films for user 2.",
        call(FILTER, {"actors": ["Tom Cruise"]}),
        call(RECOMMEND, of_set(FILTER, user=2, k=10, exclude_seen=False)),
        Say(table(RECOMMEND)),
        model_reads=("Only 6 of the 10 asked for",),
        answer_has=("Only 6 of the 10 asked for",),
    ),
    "country and year": one(
        "Films released in the USA before 1997, for user 9.",
        call(FILTER, {"country": ["USA"], "release_year": {"lt": 1997}}),
        call(RECOMMEND, of_set(FILTER, user=9, k=5)),
        call(ITEM, of_items(RECOMMEND, get=["country", "release_year"])),
        Say(table(ITEM, "country", "release_year")),
        answer_has=("United States",),
    ),
    "mood": one(
        "User 6 is sad today, what do we recommend?",
        call(SEARCH, {"query": "heart-warming, hopeful, funny", "k": 30}, "I look for what lifts the mood."),
        call(RECOMMEND, of_items(SEARCH, user=6, k=5)),
        Say(table(RECOMMEND)),
        model_reads=("30 films for the query, best match first.",),
    ),
    "like an item": one(
        "Recommend for user 8 something like film 9.",
        call(SEARCH, {"similar_to": 9, "k": 30}),
        call(RECOMMEND, of_items(SEARCH, user=8, k=5)),
        Say(table(RECOMMEND)),
        model_reads=("like film 9 (Dead Man Walking)",),
    ),
    "storyline": one(
        f"Recommend for user 2 films that match this storyline: {STORYLINE}",
        call(SEARCH, {"query": STORYLINE, "k": 20}),
        call(RECOMMEND, of_items(SEARCH, user=2, k=5)),
        Say(table(RECOMMEND)),
    ),
    "content": one(
        "Recommend for user 9 films where the main character is kidnapped.",
        call(SEARCH, {"query": "the main character is kidnapped", "k": 20}),
        call(RECOMMEND, of_items(SEARCH, user=9, k=5)),
        Say(table(RECOMMEND)),
    ),
    "audience": one(
        f"What share of our users would be interested in this storyline? {STORYLINE}",
        call(SEARCH, {"query": STORYLINE, "k": 10}),
        call(LIKE, of_items(SEARCH)),
        Say(_share),
        model_reads=("% of all viewers",),
        answer_has=("Of all viewers, ",),
    ),
    "ideal length": one(
        "What is the ideal length of a comedy?",
        call(FILTER, {"genres": ["Comedy"]}),
        call(POPULAR, of_set(FILTER, k=3)),
        call(ITEM, of_items(POPULAR, get=["duration"])),
        Say(_ideal_length),
        answer_has=(" minutes.",),
    ),
    "season": one(
        "What is the most engaging genre at Christmas?",
        Say(
            "I compare the most popular films of each genre that came out in December.",
            tuple(Call(FILTER, {"genres": [genre], "release_month": {"eq": 12}}) for genre in GENRES),
        ),
        Say("", tuple(Call(POPULAR, _set_number(number)) for number in range(len(GENRES)))),
        Say(_most_engaging),
        answer_has=("Most engaging: ",),
    ),
    "group": one(
        "Recommend for user 43 what is popular among teenagers.",
        call(POPULAR, {"user_group": ["teenager"]}),
        call(RECOMMEND, of_items(POPULAR, user=43, k=5)),
        Say(table(RECOMMEND)),
        model_reads=("(teenager)",),
    ),
    "actor and group": one(
        "Recommend for user 76 Tom Cruise films that are popular among teenagers.",
        call(FILTER, {"actors": ["Tom Cruise"]}),
        call(POPULAR, of_set(FILTER, user_group=["teenager"])),
        call(RECOMMEND, of_items(POPULAR, user=76, k=5)),
        Say(table(RECOMMEND)),
    ),
    "own group": one(
        "Recommend for user 98 what is popular in their age group.",
        call(USER, {"user": 98, "get": ["age_category"]}),
        call(POPULAR, _groups_of_user),
        call(RECOMMEND, of_items(POPULAR, user=98, k=5)),
        Say(table(RECOMMEND)),
        model_reads=("Viewer 98: age category ",),
    ),
    "history": one(
        "Show me the history of user 90.",
        call(HISTORY, {"user": 90}),
        Say(table(HISTORY, "rating", "date")),
        model_reads=("Viewer 90 has ", "the first 20 films, newest first"),
    ),
    "item": one(
        "Title and description of film 9?",
        call(ITEM, {"items": [9], "get": ["title", "description"]}),
        Say(table(ITEM, "description")),
        answer_has=("Dead Man Walking", "A Louisiana nun becomes spiritual adviser"),
    ),
    "user": one(
        "Which age category is user 198 in?",
        call(USER, {"user": 198, "get": ["age_category"]}),
        Say(lambda reading: f"User 198: {reading.last(USER)['fields']['age_category']}."),
        model_reads=("Viewer 198: age category young_adult.",),
        answer_has=("young_adult",),
    ),
}
"""By what they ask for."""
