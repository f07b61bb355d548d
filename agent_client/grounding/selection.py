"""The items that an answer recommends although the last step passed them over: they were its candidates, or answers
to an earlier question.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from agent_client.grounding.claims import Claim
from agent_client.grounding.evidence import Evidence, Item, Step
from agent_client.grounding.words import pattern, word

_NEAR = 200
"""Characters around a name in which is told that it is not one of those chosen now."""


@dataclass
class _Result:
    """A step of the turn.

    Args:
        given: The items that it was to choose from.
        looks_up: True if it returned what it was given, or nothing.
        decides: True if no later step was given its items to choose from, and it looked nothing up.
    """

    step: Step
    given: set[str]
    looks_up: bool
    decides: bool


def passed_over(claims: Iterable[Claim], evidence: Evidence) -> Iterator[Item]:
    """Those among the entries of a list, or in a row in prose, that hold items of the last step as well."""
    *earlier_turns, steps = evidence.turns or [[]]
    earlier = list(chain(*earlier_turns))
    results = _results(earlier, steps)
    deciding = [each for each in reversed(results) if each.decides] or results[::-1]
    rows: dict[object, list[tuple[Claim, Item]]] = defaultdict(list)
    row = 0
    for claim in claims:
        items = claim.items(evidence)
        row += not claim.joined
        if items and (claim.head or claim.group[0] == "prose"):
            rows[claim.group if claim.head else row].append((claim, items[0]))
    named = {item.id for entries in rows.values() for _, item in entries}
    asked = evidence.said[-1].casefold() if evidence.said else ""
    of_turn, of_earlier = ({each for step in part for each in step.ids} for part in (steps, earlier))
    for entries in rows.values():
        told = {item.id for _, item in entries}
        if len(told) > 2 and any(told == set(step.ids[: len(told)]) for step in (*earlier, *steps)):
            continue  # it tells the first of a result
        best = max(deciding, key=lambda each: len(told.intersection(each.step.ids)), default=None)
        alike = [each for each in deciding if best and each.step.tool == best.step.tool]
        given = {identifier for each in alike for identifier in each.given}
        chosen = {identifier for each in alike for identifier in each.step.ids}
        chosen |= {identifier for each in results if each.looks_up for identifier in each.step.ids} - given
        others = [(claim, item) for claim, item in entries if item.id not in chosen and not _is_aside(claim)]
        within, is_list = told & chosen, all(claim.head for claim, _ in entries)
        is_few = len(others) - is_list < len(within)
        whole = {each for step in earlier if told.issuperset(step.ids) for each in step.ids}
        for claim, item in others:
            is_offered = within or not named & chosen or pattern.recommends_before.search(claim.before)
            is_left_out = item.id in given and is_offered and not (within and given <= told | chosen)
            is_new = item.id not in whole and item.title.casefold() not in asked and not word.goes_on.search(asked)
            is_mixed_in = item.id in of_turn or (best and best.looks_up)
            is_old = is_new and (claim.head or item.id in of_earlier)
            if (is_left_out and item.id in of_turn) or (is_few and (is_left_out or is_mixed_in or is_old)):
                yield item


def _is_aside(claim: Claim) -> bool:
    return word.as_earlier.search(claim.about[:_NEAR] + claim.before[-_NEAR:]) is not None


def _results(earlier: Sequence[Step], steps: Sequence[Step]) -> list[_Result]:
    known = {each for step in (*earlier, *steps) for each in step.ids}
    results: list[_Result] = []
    for step in steps:
        lists = [
            value for key, value in step.arguments.items() if isinstance(value, list) and not word.users.match(key)
        ]
        listed = known.intersection(map(str, chain(*lists)))  # and not the names of fields
        listed = listed if listed.intersection(step.ids) else set[str]()  # else it compares with them
        looks_up = not step.ids or (bool(listed) and listed.issubset(step.ids))
        named = [
            each for each in (*earlier, *steps[: len(results)]) if each.handle and each.handle in str(step.arguments)
        ]
        if not looks_up:
            for each in results:
                each.decides &= each.step not in named and len(listed.intersection(each.step.ids)) < 2
        given = set() if looks_up else listed.union(*(each.ids for each in named))
        results.append(_Result(step, given, looks_up, not looks_up))
    return results
