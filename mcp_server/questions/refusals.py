"""Texts that say that there is no such thing, or ask back for what is missing."""

import re
from collections.abc import Collection

_NOT = r"(?: not|n['’]t)"

_ABSENCE = (
    # English
    rf"\b(?:does|do|did){_NOT} (?:seem to )?(?:exist|have|match|meet|appear|contain|include|find|see|know of)\b",
    rf"\b(?:is|are|was|were){_NOT} (?:in|on|an?|any|there|found|known|available|listed|part|valid|present)\b",
    rf"\b(?:could|can){_NOT} (?:be found|find|locate|identify)\b|\bcannot (?:be found|find|locate|identify)\b",
    r"\bunable to (?:find|locate|identify)\b|\bnot (?:found|in the|part of)\b|\b(?:unknown|non-?existent|invalid)\b",
    r"\bthere(?:['’]s| is| are) no(?:ne|thing)?\b|\b(?:none|nothing|nobody|no one)\b|\b(?:has|have|found|know) no\b",
    r"\b(?:no|zero|0) (?:results?|match(?:es)?|records?|entry|entries|items?|{items})\b|\bno (?:such|users?|{users})\b",
    # German
    r"\bgibt es\b.{0,40}\bnicht\b|\bexistier(?:t|en) nicht\b|\bnicht (?:gefunden|vorhanden|bekannt|im|in)\b",
    r"\bkeine?[nmrs]?\b|\bunbekannt\b",
    # French
    r"\bn['’](?:existe|y a|est) pas\b|\baucune?\b|\bintrouvable\b|\binconnue?\b|\bne (?:figure|trouve)\b",
    # Spanish
    r"\bno (?:existe|hay|figura|está|(?:se )?enc[uo]\w*)\b|\bning[uú]n[ao]?\b|\bdesconocid[ao]\b",
    # Italian
    r"\bnon (?:esiste|c['’]è|ci sono|risulta|(?:ho )?trov\w+|è (?:presente|nel))\b|\bnessun[ao]?\b|\bsconosciut[ao]\b",
    # Portuguese
    r"\bnão (?:existe|há|consta|está|(?:foi )?encontr\w+)\b|\bnenhuma?\b|\bdesconhecid[ao]\b",
    # Dutch
    r"\bbestaat\b.{0,40}\bniet\b|\bgeen\b|\bniet (?:gevonden|bekend|in)\b|\bonbekende?\b",
)

_REQUEST = re.compile(
    r"\?\s*[*_\"”)]*\s*(?:$|\n)|\b(?:please|could you|can you|tell me|let me know|i need)\b"
    rf"|\b(?:have|did){_NOT} (?:told|tell|said|say|mention|mentioned|given|give|specified|specify|named|name)\b",
    re.IGNORECASE,
)


def says_there_is_none(text: str, items: Collection[str], users: Collection[str]) -> bool:
    """True for a text that says that something does not exist or was not found.

    "0 users like it" is none of these: it takes what does not exist for something that nobody likes.

    Args:
        items: The owner's words for items.
        users: The owner's words for users.
    """
    words = {"{items}": "|".join(map(re.escape, items)), "{users}": "|".join(map(re.escape, users))}
    return any(
        re.search(re.sub(r"\{items\}|\{users\}", lambda found: words[found[0]], pattern), text, re.IGNORECASE)
        for pattern in _ABSENCE
    )


def asks_back(text: str) -> bool:
    """True for a text that ends a line with a question, or asks for something."""
    return _REQUEST.search(text) is not None
