"""The items that an answer recommends although the last step passed them over: they were its candidates, or answers
to an earlier question.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from recsys_grounding.claims import Claim
from recsys_grounding.evidence import Evidence, Item
from recsys_grounding.steps import Step
from recsys_grounding.words import pattern, word

_NEAR = 200
"""Characters around a name in which is told that it is not one of those chosen now."""


def passed_over(claims: Iterable[Claim], evidence: Evidence) -> Iterator[Item]:
    """Those among the entries of a list, or in a row in prose, that hold items of the last step as well."""
    *earlier_turns, steps = evidence.turns or [[]]
    earlier = list(chain(*earlier_turns))
    deciding, looked_up = _deciding(earlier, steps)
    of_turn, known = _ids(steps), _ids([*earlier, *steps])
    rows = _rows(claims, evidence)
    goes_on = word.goes_on.search("".join(evidence.said[-1:])) is not None
    named = {item.id for entries in rows for _, item in entries}
    results = [step.ids for step in (*earlier, *steps)]
    for entries in rows:
        in_order = list(dict.fromkeys(item.id for _, item in entries))
        told = set(in_order)
        if len(told) > 2 and any(in_order == each[: len(told)] or told == set(each) for each in results):
            continue  # it tells the first of a result, or all
        best = max(deciding, key=lambda step: len(told.intersection(step.ids)), default=None)
        alike = [step for step in deciding if best and step.tool == best.tool]
        choices = [(step, each) for step in alike for each in (*earlier, *steps) if step.chose_from(each)]
        given = _ids(each for _, each in choices)
        chosen, reasons = _ids([*alike, *looked_up]), set(chain(*(step.inside for step in alike)))
        others = [(claim, item) for claim, item in entries if item.id not in chosen and not _is_aside(claim)]
        others = [(claim, item) for claim, item in others if claim.head or item.id not in reasons]
        within, is_list = told & chosen, all(claim.head for claim, _ in entries)
        is_few = len(others) - is_list < len(within) and not goes_on
        for claim, item in others:
            instead = _ids(step for step, each in choices if item.id in each.ids) if choices else chosen
            is_offered = within or not named & instead or pattern.recommends_before.search(claim.before)
            if (is_offered and item.id in given & of_turn) or (is_few and (claim.head or item.id in known)):
                yield item


def _rows(claims: Iterable[Claim], evidence: Evidence) -> Iterable[Sequence[tuple[Claim, Item]]]:
    """The items that belong together: the entries of a list, and those that a sentence tells in a row."""
    rows: dict[object, list[tuple[Claim, Item]]] = defaultdict(list)
    row = 0
    for claim in claims:
        row += not claim.joined
        for item in claim.items(evidence)[:1]:
            rows[claim.group if claim.head else row].append((claim, item))
    return rows.values()


def _ids(steps: Iterable[Step]) -> set[str]:
    return {each for step in steps for each in step.ids}


def _is_aside(claim: Claim) -> bool:
    return word.as_earlier.search(claim.about[:_NEAR] + claim.before[-_NEAR:]) is not None


def _deciding(earlier: Sequence[Step], steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """The steps of the turn whose items no later one was given to choose from, newest first; those that look items up,
    and so return what they are given, are apart.
    """
    known = _ids([*earlier, *steps])
    deciding: list[Step] = []
    looked_up: list[Step] = []
    for step in steps:
        lists = chain(*(value for value in step.arguments.values() if isinstance(value, list)))
        listed = known.intersection(map(str, lists))  # and not the names of fields
        if listed and listed.issubset(step.ids):
            looked_up.append(step)
        else:
            left = [each for each in deciding if not step.chose_from(each) and len(listed.intersection(each.ids)) < 2]
            deciding = [step, *left]
    return deciding, looked_up
