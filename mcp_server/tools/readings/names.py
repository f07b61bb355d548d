"""The names of arguments as other programs and people have them: "top_k", "userId", "genre"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from mcp_server.dataset.words import singular
from mcp_server.errors import MOST_CHARACTERS, quoted_list
from mcp_server.tools.readings.attributes import same_attribute
from mcp_server.tools.readings.parameters import EXCLUDE, Kind, Parameter

SYNONYMS = {
    "user": "user_id uid userid customer customer_id member member_id person person_id",
    "users": "user_ids uids customers customer_ids members member_ids people",
    "k": "top_k topk top top_n topn n num num_results n_results number number_of_results count max_results "
    "num_recommendations n_recommendations num_items n_items max_items limit size page_size results how_many",
    "limit": "k top_k n num_results n_results count max_results max_items size page_size",
    "offset": "skip start_index from_index",
    "items": "item_ids item ids id item_id itemids candidates candidate_items among only",
    "item_set": "set set_id handle item_sets sets itemset item_set_id item_set_ids item_set_handle",
    "liked_items": "liked likes liked_item liked_item_ids liked_ids favorites favourites",
    "exclude_items": "exclude_ids exclude_item_ids excluded_items excluded without_items not_items",
    "exclude": "excluding without not except excluded exclusions must_not",
    "exclude_seen": "exclude_history exclude_known hide_seen exclude_interacted exclude_watched",
    "query": "text q search search_query query_text search_text description prompt plot keywords",
    "similar_to": "like item similar_item similar_to_item similar item_id reference_item seed_item user user_id "
    "similar_user similar_to_user like_user",
    "title": "name item_title item_name titles names",
    "name": "title item_title item_name titles names product_name",
    "get": "fields field columns attributes properties field_names",
    "user_group": "group groups user_groups segment segments demographic demographics audience",
    "match": "match_mode mode operator",
    "detail": "details detail_level verbosity",
    "reasons": "explain explanations explanation with_reasons why include_reasons because",
    "order_by": "sort sort_by order ordering orderby sort_order",
    "group_by": "by groupby group_on dimension dimensions",
    "since": "from start start_date from_date begin",
    "until": "to end end_date to_date till",
    "diversity": "diversify variety",
}
"""Names that other programs have for arguments of ours."""

_BY_SYNONYM: dict[str, list[str]] = {}
for _name, _others in SYNONYMS.items():
    for _other in _others.split():
        _BY_SYNONYM.setdefault(_other, []).append(_name)

NEGATIONS = ("exclude_", "excluded_", "not_", "without_", "no_", "except_", "non_", "-", "!", "~")
"""Beginnings of names that ask for the contrary of what follows."""

CONTRARIES = ("_not", "_exclude", "_excluded", "_not_in", "_ne", "!", "!=")
"""Endings of names that ask for the contrary of what goes before."""

LIMITS = {
    "gte": "min minimum from least gte ge start since",
    "lte": "max maximum to most lte le end until",
    "gt": "gt above over after",
    "lt": "lt below under before",
    "eq": "eq equals",
}
"""Words before or behind a field in names such as "min_price", "price_max" and "price[lt]"."""

_LIMIT_OF = {word: limit for limit, words in LIMITS.items() for word in words.split()}


def meant_argument(asked: str, parameters: Mapping[str, Parameter], nouns: Mapping[str, str]) -> str | None:
    """The argument that a name stands for; None where there is none, or several.

    Args:
        asked: A name that no argument has.
        nouns: Words of the dataset, and the general word for each: ``{"film": "item", "films": "items"}``.
    """
    name = _snake(asked)
    general = "_".join(nouns.get(part, part) for part in name.split("_"))
    for known in (name, general):
        if known in parameters:
            return known
        found = [each for each in _BY_SYNONYM.get(known, []) if each in parameters and _can_be(known, parameters[each])]
        if found:
            return found[0]
    alike = [each for each in parameters if _stem(each) == _stem(name)]
    if not alike and (same := same_attribute(name, [each for each in parameters if parameters[each].is_condition])):
        return same
    if not alike:  # "year" of "release_year", where no other argument ends so
        alike = [each for each, parameter in parameters.items() if parameter.is_condition and _ends_with(each, name)]
    return alike[0] if len(alike) == 1 else None


def _can_be(synonym: str, parameter: Parameter) -> bool:
    """False for a name that speaks of users where the argument takes items, and the other way round."""
    words = synonym.split("_")
    of_users, of_items = {"user", "users"} & set(words), {"item", "items"} & set(words)
    return not (of_users and parameter.whose == "item") and not (of_items and parameter.whose == "user")


def negated_argument(asked: str, parameters: Mapping[str, Parameter]) -> str | None:
    """The field that "exclude_genres", "genres_not" or "-genres" asks not to be; None where a name asks for nothing
    like it.
    """
    if EXCLUDE not in parameters or asked in parameters:
        return None
    plain = str(asked)[:MOST_CHARACTERS].strip()
    name = plain if plain[:1] in "-!~" or plain[-1:] in "!=" else _snake(plain)
    for field in (
        *(name.removeprefix(each) for each in NEGATIONS if name.startswith(each)),
        *(name.removesuffix(each) for each in CONTRARIES if name.endswith(each)),
    ):
        meant = field if field in parameters else meant_argument(field, parameters, {})
        if meant is not None and parameters[meant].is_condition:
            return meant
    return None


def limited_argument(asked: str, parameters: Mapping[str, Parameter]) -> tuple[str, str] | None:
    """The field and the limit of "min_price", "price_max" or "price[lt]"; None where a name has no limit in it."""
    name = _snake(re.sub(r"\[(\w+)\]", r"_\1", str(asked)[:MOST_CHARACTERS]))
    first, _, rest = name.partition("_")
    before, _, last = name.rpartition("_")
    for word, field in ((first, rest), (last, before)):
        limit = _LIMIT_OF.get(word)
        meant = field if field in parameters else meant_argument(field, parameters, {}) if field else None
        if limit and meant and parameters[meant].kind in (Kind.NUMBER_LIMITS, Kind.DATE_LIMITS):
            return meant, limit
    return None


def near_names(asked: str, known: Collection[str]) -> str:
    """The names that are nearest to one, or all, as the end of a sentence."""
    near = get_close_matches(str(asked)[:MOST_CHARACTERS].lower(), list(known), cutoff=0.5)
    return f": did you mean {' or '.join(near)}?" if near else f". There are: {', '.join(known) or 'none'}"


def unknown_arguments(asked: Sequence[str], parameters: Collection[str]) -> str:
    """A sentence on names that no argument has."""
    return f"there is no argument {quoted_list(asked)} (arguments: {', '.join(parameters) or 'none'})"


def _snake(name: str) -> str:
    """ "topK" and "top-k" as "top_k"."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name)[:MOST_CHARACTERS].strip())
    return re.sub(r"[\s\-_.]+", "_", plain).casefold().strip("_")


def _stem(name: str) -> str:
    return "_".join(singular(part) for part in name.split("_"))


def _ends_with(name: str, ending: str) -> bool:
    return _stem(name).endswith(f"_{_stem(ending)}")
