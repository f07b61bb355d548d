"""Items that are known by a sentence of their text."""

from mcp_server.questions.conditions import label
from mcp_server.questions.draw import Draft, Draw
from mcp_server.questions.truth import ListTruth


def sentence_of_item(draw: Draw) -> Draft:
    """The item whose text has a sentence."""
    sentence = draw.one(draw.sentences)
    words = f'Which {draw.nouns.item} has this in its {_text(draw)}: "{sentence.text}"'
    return Draft(words, ListTruth(first=draw.item_ids([sentence.item])), 1)


def sentence_of_kind(draw: Draw) -> Draft:
    """The item of a kind whose text has a sentence."""
    sentence = draw.one(draw.sentences)
    kind = draw.kind_of(sentence.item, draw.broad_field)
    words = (
        f'I look for one of the {draw.nouns.items} {kind.words}. Its {_text(draw)} has this: "{sentence.text}" '
        "Which one is it?"
    )
    return Draft(words, ListTruth(first=draw.item_ids([sentence.item])), 2)


TEMPLATES = (sentence_of_item, sentence_of_kind)


def _text(draw: Draw) -> str:
    """People's word for the text that sentences are taken from."""
    search = draw.ledger.spec.search
    assert search is not None
    field = draw.ledger.spec.item_field(search.texts[-1])
    assert field is not None
    return label(field)
