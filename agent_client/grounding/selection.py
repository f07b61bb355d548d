"""The items that an answer recommends although the last step passed them over: they were its candidates, or answers
to an earlier question.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from agent_client.grounding.claims import Claim
from agent_client.grounding.evidence import Evidence, Item, Step
from agent_client.grounding.words import pattern, word

_NEAR = 200
"""Characters around a name in which is told that it is not one of those chosen now."""


def passed_over(claims: Iterable[Claim], evidence: Evidence) -> Iterator[Item]:
    """Those among the entries of a list, or in a row in prose, that hold items of the last step as well."""
    *earlier_turns, steps = evidence.turns or [[]]
    earlier = list(chain(*earlier_turns))
    results = _results(earlier, steps)
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
        best = max(results, key=lambda step: len(told.intersection(step.ids)), default=None)
        alike = [step for step in results if best and step.tool == best.tool]
        given = {each for step in alike for each in step.given}
        chosen = {each for step in alike for each in step.ids}
        chosen |= {each for step in steps if step.looks_up for each in step.ids} - given
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


def _results(earlier: Sequence[Step], steps: Sequence[Step]) -> list[Step]:
    """The steps of a turn of which no later one was given items to choose from, newest first.

    It tells each step which ones it was given. Those that looked up what they were given are left out, if there are
    others.
    """
    known = {each for step in (*earlier, *steps) for each in step.ids}
    sources: list[Step] = []
    for place, step in enumerate(steps):
        lists = [
            value for key, value in step.arguments.items() if isinstance(value, list) and not word.users.match(key)
        ]
        listed = known.intersection(map(str, chain(*lists)))  # and not the names of fields
        listed = listed if listed.intersection(step.ids) else set[str]()  # else it compares with them
        step.looks_up = not step.ids or (bool(listed) and listed.issubset(step.ids))
        if step.looks_up:
            continue
        step.given.update(listed)
        for source in (*earlier, *steps[:place]):
            is_named = source.handle and source.handle in str(step.arguments)
            if is_named or len(listed.intersection(source.ids)) > 1:
                sources.append(source)
                step.given.update(source.ids if is_named else [])
    return [each for each in reversed(steps) if each not in sources and not each.looks_up] or list(reversed(steps))
