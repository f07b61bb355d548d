"""The people, kinds, places and reasons that an answer tells of an item, where the results have others."""

from collections.abc import Iterator
from itertools import chain

from recsys_grounding.evidence import Evidence, Item, title_key
from recsys_grounding.subjects import Subjects
from recsys_grounding.words import pattern, word

_FAR = 50
"""Characters between the name of an item and something in a sentence that is no more told of it."""


def wrong_names(subjects: Subjects, evidence: Evidence) -> Iterator[str]:
    """Short phrases."""
    for _, end, _ in subjects.places:
        maker = pattern.made_by.match(subjects.text, end)
        if maker and not evidence.has_words(maker["name"]):
            yield f"no tool has returned “{maker['name']}”"
    told = [(begin, end, items[0].title) for begin, end, items in subjects.places]
    for found in evidence.values.finditer(subjects.text):
        before, after = subjects.text[: found.start()], subjects.text[found.end() : found.end() + 1]
        is_told = not found[0].islower()  # "Action", but not "full of action"
        in_brackets = after in (",", ")") and pattern.in_brackets.search(before)
        if is_told or in_brackets or pattern.one_of_kind.search(before):
            told.append((*found.span(), found[0]))
    for begin, end, name in told:
        fields = evidence.fields.get(title_key(name), set())
        is_instead = word.instead.search(subjects.text[max(0, begin - _FAR // 2) : begin])
        for item in _owners(subjects, evidence, begin, end, fields) if fields and not is_instead else []:
            own = {title_key(each) for each in chain(*item.words.values())}
            for field in sorted(fields & item.words.keys()) if title_key(name) not in own else []:
                names = " or ".join(sorted(item.words[field]))
                if evidence.named(name):  # as a reason, say
                    yield f"the results name {names} with “{item.title}”, not {name}"
                else:
                    yield f"“{item.title}” has {field.replace('_', ' ')} {names}, not {name}"


def _owners(subjects: Subjects, evidence: Evidence, begin: int, end: int, fields: set[str]) -> list[Item]:
    """The items of which a name in one of these fields is told: they have something there, and are no reasons."""
    rows = evidence.rows.values()  # of which the results have nothing but what they are about
    able = [
        (first, last, items[:1])
        for first, last, items in subjects.places
        if fields & items[0].words.keys() and items[0] not in rows
        if not fields & evidence.fields.get(title_key(items[0].title), set())
    ]
    if subjects.kind != "prose":
        return able[0][2] if len(able) == 1 else [] if able else subjects.section
    before, after = [each for each in able if each[1] <= begin], [each for each in able if each[0] >= end]
    if after and pattern.made.fullmatch(subjects.text, end, after[0][0]):
        return after[0][2]
    between = subjects.text[before[-1][1] : begin] if before else ""
    is_far = not before or len(between) > _FAR or pattern.of_another.search(between)
    return [] if is_far else before[-1][2]
