"""The check that an answer agrees with what the tools returned: code finds what does not, whatever the model was told.

Names are checked together with the IDs, scores, ratings, prices and years beside them. What a person said may be
repeated, and names of people, kinds and steps are not taken for items.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from langchain_core.messages import AnyMessage

from agent_client.grounding.claims import Claim, Claims
from agent_client.grounding.evidence import ARTICLE, YEAR, Evidence, Item
from agent_client.grounding.selection import passed_over
from agent_client.grounding.words import any_of, kinds_of, language_of
from agent_client.names import fold

_NUMBER = (
    r"(?<![\w.,-])(?<!ID )(?P<number>\d{1,3}(?:[.,]\d+)?)"
    rf"(?![\w-]|[.,]\d|\s*(?:and|und|et|–|,)\s*\d|\s{any_of('no_number')}|/(?!(?:10|5)\b)\d)"
)
_LABEL = rf"(?P<label>(?:(?:imdb|{any_of('mean')})[ -]?)?{any_of('score', 'rating', 'price', 'mean')})"
_BETWEEN = r"(?:[\s:=*]*(?:(?:\w+\s+)?(?:is|of|at|with|von|ist|de|est|it|bei)\s+)?[*★$€£\s]*)"
_OUT_OF = r"(?:/\s*|(?:out of|von|sur|de)\s+)"
_BEHIND = r"^(?:[\s*_”\"»“,;·|:–—-]|[(\[][^()\[\]]*[)\]]|ID:?\s[\w-]+)*"
_PRICE = rf"{_BEHIND}(?:\([^()]*?|(?:{any_of('costs')}\s+)?)"
_NUMBERS = (
    ("", re.compile(rf"{_LABEL}{_BETWEEN}{_NUMBER}", re.IGNORECASE)),
    ("", re.compile(rf"{_NUMBER}\s*(?:/\s*10|%)?\s(?:(?:on|bei|sur|en)\s+)?{_LABEL}(?!{_BETWEEN}\d)", re.IGNORECASE)),
    ("rating", re.compile(rf"{_NUMBER}\s*{_OUT_OF}(?:10|5)\b(?!\s+(?:{any_of('users', 'nouns')}))", re.IGNORECASE)),
    ("rating", re.compile(rf"[⭐★☆]\ufe0f?\s*{_NUMBER}")),
    ("price", re.compile(rf"{_PRICE}[$€£]\s?{_NUMBER}")),
    ("price", re.compile(rf"{_PRICE}{_NUMBER}\s?(?:[$€£]|EUR|USD|euros?\b)")),
)
_BARE = re.compile(
    rf"{_BEHIND}(?:[(\[](?:[^()\[\]]*?[,;·]\s*)?|(?<=[:–—·,;|] ))(?P<number>\d{{1,3}}(?:\.\d+|,\d\d?))"
    r"(?=\s*(?:[)\],;·|–—]|\.?\s*$))"
)
"""A number with digits behind the point, without a word that tells what it is."""
_YEARS = (
    re.compile(rf"{_BEHIND}(?:\([^()]*?|\[[^\[\]]*?)?({YEAR})(?!\s+[*“\"«„]*$)"),  # which is the next item's
    re.compile(rf"{any_of('released')}(?: (?:in|dem jahr|en))?[\s:*]*({YEAR})", re.IGNORECASE),
)
_YEAR_BEFORE = re.compile(rf"\b{ARTICLE} ({YEAR})(?:er)? [\w-]+(?: [\w-]+)?\W*$", re.IGNORECASE)
_ROUGHLY = re.compile(rf"(?:{any_of('roughly')}|[<>≥≤~≈±]|\d\s*[–-]\s*)\W*$")
_LABELS, _SUMMARY, _THINGS = re.compile(any_of("labels")), re.compile(any_of("summary")), re.compile(any_of("things"))
_ONLY_LABELS = re.compile(rf"(?:\W*{any_of('labels', 'nouns', 'users', 'joins')}s?)+\W*")
_OFFERS = re.compile(any_of("offers"))
_RECOMMENDS = re.compile(
    rf"{any_of('recommends', 'nouns')}(?:\W+{any_of('fillers', 'joins')}){{0,3}}(?: the film)?\W*$"
)


def unsupported(answer: str, messages: Sequence[AnyMessage], published: Iterable[str] = ()) -> list[str]:
    """Find what an answer says of items and the tools do not: short phrases, in the order of the answer.

    Args:
        messages: The conversation, from the beginning.
        published: Texts of the program that an answer may repeat: prompts and descriptions of tools.
    """
    evidence = Evidence(messages, published)
    claims = Claims(answer, evidence)
    language = language_of(answer) or language_of(" ".join(evidence.said[-1:]))
    foreign = language not in ("", evidence.language)
    of_items = {claim.group for claim in claims if claim.head and (claim.ids or evidence.named(claim.name))}
    of_labels = claims.of_kinds.union(claim.group for claim in claims if claim.head and _is_label(claim)) - of_items
    with_ids = claims.aliases.union(claim.name for claim in claims if claim.ids)
    findings: list[str] = []
    meant: list[tuple[Claim, list[Item]]] = []
    for claim in claims:
        items = _meant(claim, evidence)
        if claim.ids:
            findings += _of_pair(claim, evidence, foreign)
        elif claim.name and not evidence.named(claim.name) and claim.name not in with_ids:
            place = "items" if claim.group in of_items and claim.head else "labels" if claim.group in of_labels else ""
            joined = claim.joined and bool(meant[-1][1])
            if _is_invented(claim, evidence, foreign, place, joined, foreign and not with_ids):
                findings.append(f"no tool has returned “{claim.name}”")
        findings += [finding for item in items for finding in _of_numbers(claim, item)]
        meant.append((claim, items))
    findings += [f"the last step did not return “{item.title}” (ID {item.id})" for item in passed_over(meant, evidence)]
    return list(dict.fromkeys(findings))


def _is_label(claim: Claim) -> bool:
    return claim.marked == "label" or _LABELS.match(claim.name) is not None


def _meant(claim: Claim, evidence: Evidence) -> list[Item]:
    """The item that a claim is about, if its name or its ID tell."""
    named = evidence.named(claim.name)
    by_id = [item for each in claim.ids for item in evidence.with_id(each)]
    return [item for item in named if item in by_id] or (named if len(named) == 1 else [] if named else by_id[:1])


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
    one, other = fold(name), fold(title)
    if re.findall(r"\b(?:\d+|[ivx]+)\b", one) != re.findall(r"\b(?:\d+|[ivx]+)\b", other):
        return False
    return f" {other} " in f" {one} " or f" {one} " in f" {other} " or SequenceMatcher(None, one, other).ratio() > 0.75


def _is_invented(claim: Claim, evidence: Evidence, foreign: bool, place: str, joined: bool, translates: bool) -> bool:
    """True for a name without an ID that no tool has returned, if it stands where answers have items."""
    in_row = joined or _RECOMMENDS.search(claim.before) is not None
    abroad = foreign or language_of(claim.name, 1) not in ("", evidence.language)  # where titles have small letters
    stands_out = claim.marked == "marked" and claim.name[:1].isupper() and (in_row or place == "items")
    if not (_looks_like_a_name(claim.name) or (abroad and stands_out)):
        return False
    if _SUMMARY.match(claim.name) or evidence.has_words(claim.name):
        return False
    if re.match(rf"\W*\({YEAR}", claim.about):
        return True
    if place == "items":
        is_label = _ONLY_LABELS.fullmatch if claim.group[0] == "list" else _LABELS.match
        return claim.marked == "cell" or not (claim.marked == "section" or is_label(claim.name))
    if place == "labels" or claim.marked == "label" or (not joined and (_is_label(claim) or _is_of_things(claim))):
        return False
    if claim.head and claim.group[0] != "prose":
        return not foreign and claim.group[0] != "heading" and claim.marked in ("marked", "cell")
    return in_row and not translates


def _is_of_things(claim: Claim) -> bool:
    """True among people, kinds and steps, and below a question or an offer, which is followed by choices."""
    above = claim.intro if claim.head else ""
    offered = above.endswith("?") or _OFFERS.search(above) is not None
    return offered or _THINGS.search(f"{above} {claim.before[-40:]}") is not None


def _looks_like_a_name(phrase: str) -> bool:
    """True if all but the small words are capitalised; "Filter by actor" and "crime drama" do not look like names."""
    words = [word for word in re.findall(r"[^\W\d_]+", phrase) if len(word) > 3]
    return phrase[:1].isalnum() and not phrase[0].islower() and all(word[0].isupper() for word in words)


def _of_numbers(claim: Claim, item: Item) -> Iterator[str]:
    """Scores, ratings, prices and years beside an item's name that are not its own."""
    text = re.split(r"(?<=[^\W\d_]{3})[.!?](?:\s|$)|\b(?:than|while|whereas|als|que)\b", claim.about)[0]
    for kind, match in ((kind, match) for kind, pattern in _NUMBERS for match in pattern.finditer(text)):
        known = item.numbers_called(kind or match["label"])
        times = range(1, 11) if "price" in kinds_of(kind or match["label"]) else [1]  # several of them cost more
        own = (n * value for n in times for values in known.values() for value in values)
        is_own = any(_is_rounded(match["number"], value) for value in own)
        is_rough = _ROUGHLY.search(text[: match.start("number")]) or _ROUGHLY.search(text[: match.start()])
        if known and not is_own and not is_rough:
            key, values = next(iter(known.items()))
            yield f"“{item.title}” has {key.replace('_', ' ')} {_listed(values)}, not {match['number']}"
    bare = _BARE.match(text) if any(map(kinds_of, item.numbers)) else None
    if bare and not any(_is_rounded(bare["number"], value) for values in item.numbers.values() for value in values):
        yield f"“{item.title}” has no number {bare['number']}"
    years = {int(match[1]) for pattern in _YEARS for match in pattern.finditer(text)}
    years.update(map(int, _YEAR_BEFORE.findall(claim.before)))
    if years and item.years and not years & item.years:
        yield f"“{item.title}” is from {_listed(item.years)}, not {min(years)}"


def _is_rounded(number: str, value: float) -> bool:
    """True if a number is what another one becomes with fewer digits, or as a percentage."""
    shown = number.replace(",", ".")
    half_a_step = 0.5 * 10.0 ** -len(shown.partition(".")[2]) + 1e-9
    return any(abs(float(shown) - each) <= half_a_step for each in (value, 100 * value if value <= 1 else value))


def _listed(values: Iterable[float]) -> str:
    return " or ".join(f"{value:g}" for value in sorted(values))
