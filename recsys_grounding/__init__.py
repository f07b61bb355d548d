"""The check that an answer agrees with what the tools returned: code finds what does not, whatever the model was told.

Names are checked together with the IDs beside them (here), numbers, dates, users and the names of people and kinds
beside items (facts), and that an answer keeps to what was chosen (selection). What a person said may be repeated, and
names of people, kinds and steps are not taken for items.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from recsys_grounding.claims import Claim, Claims
from recsys_grounding.conversation import Call, Turn
from recsys_grounding.evidence import Evidence
from recsys_grounding.facts import Facts, Told
from recsys_grounding.fields import wrong_names
from recsys_grounding.selection import passed_over
from recsys_grounding.subjects import Subjects
from recsys_grounding.words import language_of, pattern, word
from recsys_shared.names import fold

__all__ = ["Call", "Turn", "unsupported"]


def unsupported(answer: str, conversation: Sequence[Turn], published: Iterable[str] = ()) -> list[str]:
    """Find what an answer says of items and the tools do not: short phrases, those of names before those of numbers.

    Args:
        conversation: From the beginning; the answer is to its last question.
        published: Texts of the program that an answer may repeat: prompts and descriptions of tools.
    """
    evidence = Evidence(conversation, published)
    claims = Claims(answer, evidence)
    languages = {language_of(text) for text in (answer, *evidence.said[-1:])}
    foreign = not languages <= {"", evidence.language}
    of_items = {claim.group for claim in claims if claim.head and (claim.ids or evidence.named(claim.name))}
    of_labels = {claim.group for claim in claims if claim.head and _is_label(claim)}
    findings: list[str] = []
    for claim in claims:
        if evidence.user_code.fullmatch(claim.name):
            continue
        if claim.ids:
            findings += _of_pair(claim, evidence, foreign)
        elif not (evidence.named(claim.name) or claim.name in claims.aliases or pattern.user.search(claim.name)):
            place = "labels" if claim.group in of_labels else ""
            if claim.group in of_items and claim.head and claim.marked != "section":
                place = "items"
            if _is_invented(claim, evidence, foreign, place):
                findings.append(f"no tool has returned “{claim.name}”")
    told = Told((item for claim in claims for item in claim.items(evidence)), evidence)
    for passage in claims.passages if any(turn.calls for turn in conversation) else []:
        subjects = Subjects(passage, evidence)
        findings += [*Facts(subjects, evidence, told).wrong(), *wrong_names(subjects, evidence)]
    for item in passed_over(claims, evidence):
        findings.append(f"the last step did not return “{item.title}” (ID {item.id})")
    return list(dict.fromkeys(findings))


def _is_label(claim: Claim) -> bool:
    return claim.marked in ("label", "section") or word.labels.match(claim.name) is not None


def _of_pair(claim: Claim, evidence: Evidence, foreign: bool) -> Iterator[str]:
    named = evidence.named(claim.name)
    translated = foreign and language_of(claim.name, 1) != evidence.language
    for identifier in claim.ids:
        by_id = evidence.with_id(identifier)
        if named and not any(item in named for item in by_id):
            yield f"“{named[0].title}” has ID {' or '.join(item.id for item in named)}, not {identifier}"
        elif by_id and not named and claim.name:
            if not translated and not any(_alike(claim.name, item.title) for item in by_id):
                yield f"ID {identifier} is “{by_id[0].title}”, not “{claim.name}”"
        elif not by_id and claim.name and not evidence.has_words(claim.name):
            yield f"no tool has returned “{claim.name}” (ID {identifier})"
        elif not by_id and not evidence.has_id(identifier):
            yield f"no tool has returned ID {identifier}"


def _alike(name: str, title: str) -> bool:
    """True if one is the other with a subtitle or a slip of the pen, but not the next part of a series."""
    one, other, main = fold(name), fold(title), fold(re.split(r"[:,(]", title)[0])
    if f" {main} " in f" {one} " and not re.search(rf"\b{main} (?:part )?(?:\d+|[ivx]+)\b", one):
        return True
    if re.findall(r"\b(?:\d+|[ivx]+)\b", one) != re.findall(r"\b(?:\d+|[ivx]+)\b", other):
        return False
    return f" {one} " in f" {other} " or SequenceMatcher(None, one, other).ratio() > 0.75


def _is_invented(claim: Claim, evidence: Evidence, foreign: bool, place: str) -> bool:
    """True for a name without an ID that no tool has returned, if it stands where answers have items."""
    in_row = claim.joined or pattern.recommends_before.search(claim.before[-80:]) is not None
    is_marked = claim.marked == "marked" or (claim.marked == "entry" and place == "items")
    stands_out = is_marked and claim.name[:1].isupper() and (in_row or place == "items")
    if not (_looks_like_a_name(claim.name) or (foreign and stands_out)) or evidence.has_words(claim.name):
        return False
    if pattern.dated.match(claim.about):
        return True
    if word.summary.match(claim.name) and not claim.joined:
        return False
    if place == "items":
        return pattern.only_labels.fullmatch(claim.name) is None
    if place == "labels" or (not claim.joined and (_is_label(claim) or _is_of_things(claim))):
        return False
    if claim.head and claim.group[0] != "prose":
        return not foreign and claim.group[0] != "heading" and claim.marked in ("marked", "cell")
    return in_row


def _is_of_things(claim: Claim) -> bool:
    """True among people, kinds and steps, and below a question or an offer, which is followed by choices."""
    above = claim.intro if claim.head else ""
    offered = above.endswith("?") or word.offers.search(above) is not None
    return offered or word.things.search(f"{above} {claim.before[-40:]}") is not None


def _looks_like_a_name(phrase: str) -> bool:
    """True if all but the small words are capitalised; "Filter by actor" and "crime drama" do not look like names."""
    words = [word for word in re.findall(r"[^\W\d_]+", phrase) if len(word) > 3]
    return phrase[:1].isalnum() and not phrase[0].islower() and all(word[0].isupper() for word in words)
