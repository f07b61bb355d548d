"""The items that an answer recommends although the last step passed them over: they were its candidates, or answers
to an earlier question.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from agent_client.grounding.claims import Claim
from agent_client.grounding.evidence import Evidence, Item, Step
from agent_client.grounding.words import word

_NEAR = 200
"""Characters around a name in which is told that it is not one of those chosen now."""


def passed_over(claims: Iterable[Claim], evidence: Evidence) -> Iterator[Item]:
    """Those among the entries of a list, or in a row in prose, that hold items of the last step as well."""
    *earlier_turns, steps = evidence.turns or [[]]
    candidates, chosen = _chosen(steps)
    earlier = {each for turn in earlier_turns for step in turn for each in step.ids}
    earlier -= {each for step in steps for each in step.ids}
    rows: dict[object, list[tuple[Claim, Item]]] = defaultdict(list)
    row = 0
    for claim in claims:
        items = claim.items(evidence)
        row += not claim.joined
        if items and (claim.head or claim.group[0] == "prose"):
            rows[claim.group if claim.head else row].append((claim, items[0]))
    named = {item.id for entries in rows.values() for _, item in entries}
    asked = evidence.said[-1] if evidence.said else ""
    for entries in rows.values():
        told = {item.id for _, item in entries}
        within = [item for _, item in entries if item.id in chosen]
        others = [
            item for claim, item in entries if not word.as_earlier.search(claim.about[:_NEAR] + claim.before[-_NEAR:])
        ]
        lists_candidates = within and candidates <= told  # and so tells them all
        if not lists_candidates and (within or not named & chosen):
            yield from (item for item in others if item.id in candidates)
        whole = {each for turn in earlier_turns for step in turn if told.issuperset(step.ids) for each in step.ids}
        outside = [
            item for item in others if item.id in earlier - whole and item.title.casefold() not in asked.casefold()
        ]
        if len(outside) < len(within) and not word.goes_on.search(asked):
            yield from outside


def _chosen(steps: Sequence[Step]) -> tuple[set[str], set[str]]:
    """The items that later calls of a turn were given to choose from and left out, and those that were chosen."""
    narrowed: set[int] = set()
    known = {each for step in steps for each in step.ids}
    for place, step in enumerate(steps):
        listed = {str(each) for value in step.arguments.values() if isinstance(value, list) for each in value}
        listed &= known  # and not the names of fields
        if not step.ids or (listed and listed.issubset(step.ids)):
            continue  # it has found nothing, or looked up what it was given
        for number, source in enumerate(steps[:place]):
            by_ids = listed.issuperset(step.ids) and len(listed.intersection(source.ids)) > 1
            if by_ids or (source.handle and source.handle in str(step.arguments)):
                narrowed.add(number)
    chosen = {each for number, step in enumerate(steps) if number not in narrowed for each in step.ids}
    return {each for number in narrowed for each in steps[number].ids} - chosen, chosen
