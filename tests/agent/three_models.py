"""Three language models that follow rules, to be compared: a careful one that calls the right tools for many kinds of
questions about the films, a sloppy one that leaves out what it finds tedious, and a broken one.

`python -m tests.agent.three_models` serves them as an OpenAI-compatible endpoint until it is interrupted.
"""

import argparse
import re
import threading
import zlib
from collections.abc import Generator
from datetime import datetime
from typing import Any

from tests.agent.scripted_models import Call, Reading, Refuse, Say, ScriptedModel, Step
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

PORT = 8765

Plan = Generator[tuple[str, dict[str, Any]], dict[str, Any], str]
"""Calls, to each of which the result is sent, and at last the answer."""


class ThreeModels(ScriptedModel):
    """An endpoint where the name of the model says how it behaves: careful, sloppy or broken."""

    def next_step(self, reading: Reading) -> Step:
        self.readings.append(reading)
        question = reading.questions[-1]
        if reading.body["model"] == "broken" and (step := _broken(question, reading)):
            return step
        return _replayed(Rules(reading.body["model"] == "sloppy", reading.questions).plan(question), reading)


def _replayed(plan: Plan, reading: Reading) -> Step:
    """The next step of a plan, some calls of which have been made since the question."""
    last_question = max(place for place, message in enumerate(reading.messages) if message["role"] == "user")
    n_calls = sum(message["role"] == "tool" for message in reading.messages[last_question:])
    try:
        tool, arguments = next(plan)
        for exchange in reading.exchanges[len(reading.exchanges) - n_calls :]:
            failed = not exchange.result.startswith("{")
            tool, arguments = plan.send({"error": exchange.result} if failed else exchange.data)
    except StopIteration as ended:
        return Say(ended.value)
    return Say("", (Call(tool, arguments),))


def _broken(question: str, reading: Reading) -> Step | None:
    """One of the ways to go wrong, always the same for a question; None for the right one."""
    match zlib.crc32(question.encode()) % 6:
        case 0:
            return Refuse(400, "Jinja Exception: conversation roles must alternate")
        case 1:
            return Say("I am sure that it is number 42: **Heat** (ID 42).")
        case 2:
            return Say("", (Call("search_movies", {"q": question[:40]}),))
        case 3 if not reading.exchanges:
            return Say("", (Call(FILTER, {"genre": "Comedy", "limit": "10"}),))
        case 4:
            return Say("As a language model, I cannot look into your catalogue.")
    return None


class Rules:
    """The steps for a question, by its words.

    Args:
        sloppy: Heed one condition only, the default number of results, and no exclusion.
    """

    def __init__(self, sloppy: bool, questions: list[str]) -> None:
        self._sloppy, self._questions = sloppy, questions

    def plan(self, question: str) -> Plan:
        for pattern, method in RULES:
            if match := re.fullmatch(pattern, question):
                return (yield from method(self, *match.groups()))
        return "I do not know how to find that out."

    def conditions(self, clauses: str) -> dict[str, Any]:
        """Arguments of the filter for "genres include Comedy and whose duration is above 90 minutes"."""
        arguments: dict[str, Any] = {}
        parts = clauses.split(" and whose ")
        for part in parts[:1] if self._sloppy else parts:
            label, words = re.match(r"(?:whose )?(.+?) (?:includes?|is|are) (.+)", part).groups()  # type: ignore[union-attr]
            name = label.casefold().replace(" ", "_")
            limits = re.findall(r"(above|after|below|before|at least|at most|from|to) ([\d.,]*\d)", words)
            if limits:
                arguments[name] = {LIMITS[side]: float(number.replace(",", "")) for side, number in limits}
            else:
                arguments[name] = words.split(" or ")
                if " or " in words:
                    arguments["match"] = "any"
        return arguments

    def found(self, clauses: str, left_out: str | None = None) -> Generator[Any, Any, dict[str, Any]]:
        excluded = {} if left_out is None or self._sloppy else {"exclude": self.conditions(left_out)}
        return (yield FILTER, {**self.conditions(clauses), **excluded})  # type: ignore[no-any-return]

    def item(self, title: str) -> Generator[Any, Any, Any]:
        """The ID of the film with this title, the best known if there are several, or None."""
        found = yield FILTER, {"title": [title]}
        items = found.get("items") or []
        exact = [item for item in items if item["title"].casefold() == title.casefold()]
        return next((item["item_id"] for item in exact or items), None)

    def title_of(self, number: str) -> Plan:
        found = yield ITEM, {"items": [int(number)], "get": ["title"]}
        return _listed(found)

    def field_of_item(self, label: str, title: str) -> Plan:
        item = yield from self.item(title)
        if item is None:
            return f'There is no film "{title}".'
        field = label.casefold().replace(" ", "_")
        found = yield ITEM, {"items": [item], "get": [field]}
        value = found["items"][0].get(field)
        return f"- **{', '.join(value) if isinstance(value, list) else value}**"

    def field_of_user(self, label: str, number: str) -> Plan:
        field = label.replace(" ", "_")
        found = yield USER, {"user": int(number), "get": [field]}
        return _error(found) or f"- **{found['fields'][field]}**"

    def all_that(self, clauses: str, left_out: str | None = None) -> Plan:
        found = yield from self.found(clauses, left_out)
        if found["count"] > len(found["items"]) and not self._sloppy:
            found = yield ITEM, {"item_set": found["item_set"], "get": ["title"], "limit": 100}
        return _listed(found)

    def number_of(self, clauses: str, left_out: str | None = None) -> Plan:
        found = yield from self.found(clauses, left_out)
        return f"There are **{len(found['items']) if self._sloppy else found['count']}** of them."

    def number_of_those(self, clauses: str) -> Plan:
        before = re.fullmatch(r"How many films are there (whose .+)\?", self._questions[-2])
        return (yield from self.number_of(f"{before[1]} and {clauses}" if before else clauses))

    def most_rated(self, k: str | None, clauses: str | None, group: str | None, month: str | None) -> Plan:
        arguments: dict[str, Any] = {} if self._sloppy else {"k": int(k or 1)}
        if clauses:
            found = yield from self.found(clauses)
            arguments["item_set"] = found["item_set"]
        if group:
            arguments["user_group"] = [group]
        if month and not self._sloppy:
            name, year = month.split()
            number = datetime.strptime(name, "%B").month
            arguments["since"] = arguments["until"] = f"{year}-{number:02}"
        return _listed((yield POPULAR, arguments))

    def size_of_the_catalogue(self, what: str) -> Plan:
        found = yield STATISTICS, {"group_by": ["gender"], "k": 1}
        return f"There are **{found['total']['n_items' if what == 'films' else 'n_users']}**."

    def raters_of_it(self) -> Plan:
        before = re.fullmatch(r"What is the title of film (\d+)\?", self._questions[-2])
        found = yield ITEM, {"items": [int(before[1])], "get": ["n_ratings"]}  # type: ignore[index]
        return f"**{found['items'][0]['n_ratings']:g}** viewers."

    def history_size(self, user: str) -> Plan:
        found = yield HISTORY, {"user": int(user), "k": 1}
        return _error(found) or f"**{found['total']}** films."

    def rated(self, user: str, limit: str, word: str) -> Plan:
        side = "lte" if word == "less" else "gte"
        bound = {} if self._sloppy else {"rating": {side: float(limit)}}
        return _listed((yield HISTORY, {"user": int(user), "k": 100, **bound}))

    def newest(self, user: str) -> Plan:
        return _listed((yield HISTORY, {"user": int(user), "k": 1}))

    def rating_of(self, user: str, title: str) -> Plan:
        item = yield from self.item(title)
        found = yield HISTORY, {"user": int(user), "items": [item]}
        return f"**{found['items'][0]['rating']:g}**" if found.get("items") else "None: the viewer has not rated it."

    def share(self, group: str | None, title: str | None, clauses: str | None) -> Plan:
        if title is None:
            found = yield from self.found(clauses or "")
            arguments: dict[str, Any] = {"item_set": found["item_set"]}
        else:
            arguments = {"items": [(yield from self.item(title))]}
        if group and not self._sloppy:
            arguments["user_group"] = [group]
        found = yield LIKE, arguments
        return _error(found) or f"**{found['percentage']}%** of them."

    def mean(self, clauses: str, group: str | None = None) -> Plan:
        found = yield from self.found(clauses)
        who = {"user_group": [group]} if group and not self._sloppy else {}
        found = yield STATISTICS, {"group_by": ["gender"], "item_set": found["item_set"], **who}
        return _error(found) or f"The mean is **{found['total']['mean_rating']}**."

    def recommended(self, k: str, clauses: str | None, user: str) -> Plan:
        arguments: dict[str, Any] = {"user": int(user)} if self._sloppy else {"user": int(user), "k": int(k)}
        if clauses:
            found = yield from self.found(clauses)
            arguments["item_set"] = found["item_set"]
        return _listed((yield RECOMMEND, arguments))

    def for_two(self, first: str, second: str, k: str, clauses: str | None) -> Plan:
        within = {"item_set": (yield from self.found(clauses))["item_set"]} if clauses else {}
        users = [int(first)] if self._sloppy else [int(first), int(second)]
        return _listed((yield RECOMMEND, {"users": users, "k": int(k), **within}))

    def like_two(self, first: str, second: str, k: str) -> Plan:
        liked = [(yield from self.item(first)), (yield from self.item(second))]
        return _listed((yield RECOMMEND, {"liked_items": liked, "k": int(k)}))

    def with_text(self, clauses: str | None, text: str) -> Plan:
        within = {"item_set": (yield from self.found(clauses))["item_set"]} if clauses else {}
        return _listed((yield SEARCH, {"query": text, "k": 1, **within}))

    def similar(self, k: str, clauses: str | None, title: str) -> Plan:
        item = yield from self.item(title)
        within = {"item_set": (yield from self.found(clauses))["item_set"]} if clauses else {}
        return _listed((yield SEARCH, {"similar_to": item, **({} if self._sloppy else {"k": int(k)}), **within}))

    def like_viewer(self, k: str, user: str) -> Plan:
        found = yield FIND_USERS, {"similar_to": int(user), "k": int(k)}
        return "\n".join(f"- viewer {each['user']}" for each in found["users"])

    def audience(self, k: str, title: str) -> Plan:
        found = yield FIND_USERS, {"items": [(yield from self.item(title))], "k": int(k)}
        return "\n".join(f"- viewer {each['user']}" for each in found["users"])

    def asked_back(self) -> Plan:
        if self._sloppy:
            return _listed((yield RECOMMEND, {"user": 1, "k": 4}))
        return "Which viewer do you mean? Please tell me the ID."


def _error(result: dict[str, Any]) -> str:
    return f"There is no such thing: {result['error']}" if "error" in result else ""


def _listed(result: dict[str, Any]) -> str:
    """The items of a result, each by its title and ID."""
    lines = [
        f"{place}. **{item['title']}** (ID {item['item_id']})"
        for place, item in enumerate(result.get("items") or [], 1)
    ]
    return _error(result) or "\n".join(lines) or "There are no such films: nothing meets these conditions."


LIMITS = {
    "above": "gt", "after": "gt", "below": "lt", "before": "lt", "at least": "gte", "at most": "lte", "from": "gte",
    "to": "lte",
}  # fmt: skip

WHO = r"(?:all viewers|the viewers whose [a-z ]+ is (\w+))"

RULES = (
    (r"What is the title of film (\d+)\?", Rules.title_of),
    (r'What (?:is|are) the (.+) of the film "(.+)"\?', Rules.field_of_item),
    (r"What (?:is|are) the (.+) of viewer (\d+)\?", Rules.field_of_user),
    (r"List all films (whose .+), but leave out those whose (.+)\.", Rules.all_that),
    (r"(?:List all films|Which films are there) (whose .+)[.?]", Rules.all_that),
    (r"How many films (whose .+) are there, not counting those whose (.+)\?", Rules.number_of),
    (r"How many films are there (whose .+)\?", Rules.number_of),
    (r"How many (films|viewers) are (?:there|in the catalogue)\?", Rules.size_of_the_catalogue),
    (r"How many viewers have at least one rating for it\?", Rules.raters_of_it),
    (r"And how many of them are films (whose .+)\?", Rules.number_of_those),
    (
        rf"Which (?:(\d+) films|film)(?: (whose .+))? (?:have|has) the most ratings by {WHO}(?: in (\w+ \d+))?\?",
        Rules.most_rated,
    ),
    (r"How many different films are in the history of viewer (\d+)\?", Rules.history_size),
    (r"Which films has viewer (\d+) rated ([\d.]+) or (less|more)\?", Rules.rated),
    (r"Which film has the most recent rating of viewer (\d+)\?", Rules.newest),
    (r'What rating has viewer (\d+) given for "(.+)"\?', Rules.rating_of),
    (
        rf'What percentage of {WHO} like (?:the film "(.+)"|at least one of the films (whose .+)) \(liking .+\)\?',
        Rules.share,
    ),
    (
        r"What is the mean of all ratings of the films (whose .+?)(?:, counting only viewers whose .+ is (\w+)"
        r"|, both included)?\?",
        Rules.mean,
    ),
    (r"Recommend (\d+) films(?: (whose .+))? to viewer (\d+)(?: that are not .+|, none of .+)?\.", Rules.recommended),
    (
        r"Viewers (\d+) and (\d+) have come together\. Recommend (\d+) films(?: (whose .+))? that are in .+\.",
        Rules.for_two,
    ),
    (r'Somebody without an ID likes "(.+)" and "(.+)"\. Recommend (\d+) other films\.', Rules.like_two),
    (r'Which film has this in its (?:storyline|description): ()"(.+)"', Rules.with_text),
    (r'I look for one of the films (whose .+)\. Its .+ has this: "(.+)" Which one is it\?', Rules.with_text),
    (r'Which (\d+) films(?: (whose .+))? are most like "(.+)", apart from itself\?', Rules.similar),
    (r"Which (\d+) other viewers have a taste most like that of viewer (\d+)\?", Rules.like_viewer),
    (r'Which (\d+) viewers are most likely to like "(.+)", among .+\?', Rules.audience),
    (r"Recommend \d+ films to the viewer that I have in mind\.", Rules.asked_back),
)
"""The words of questions, and the steps for them; the groups of a pattern are their arguments."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    model = ThreeModels(parser.parse_args().port)
    print(f"openai:careful, openai:sloppy and openai:broken are at {model.url}/v1; Ctrl-C ends it", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        model.close()


if __name__ == "__main__":
    main()
