"""The meaning of a dataset's feedback, in words true of its kind: what is counted, and what counts as liking."""

from mcp_server.dataset.spec import DatasetSpec, Feedback

VALUE_NAMES: dict[Feedback, str] = {"ratings": "rating", "counts": "count", "events": "weight"}
"""Names of the value that a history shows beside an item. Likes have none."""

MOST_WEIGHTS = 8
"""Weights of events that a message names."""


def plain_number(number: float) -> int | float:
    """A number as people write it: whole ones without a decimal point, others with at most six decimals."""
    rounded = round(float(number), 6)
    return int(rounded) if rounded.is_integer() else rounded


def liking(spec: DatasetSpec) -> str:
    """The condition of liking an item, such as "a rating of 4 or more"; empty where every interaction is a like."""
    nouns, threshold, kind = spec.nouns, spec.interactions.like_threshold, spec.interactions.kind
    if kind == "ratings":
        return f"a rating of {threshold:g} or more"
    if kind == "counts":
        if threshold is None:
            return f"more than 0 {nouns.interactions}"
        return f"{threshold:g} {nouns.interaction if threshold == 1 else nouns.interactions} or more"
    if kind == "events":
        least = "more than 0" if threshold is None else f"{threshold:g} or more"
        return f"{nouns.interactions} that weigh {least} together"
    return ""


def counting(spec: DatasetSpec, whom: str) -> str:
    """The measure of popularity among some users, such as "ratings of all viewers"."""
    nouns, kind = spec.nouns, spec.interactions.kind
    if kind == "counts":
        return f"{nouns.interactions} of {whom}, summed"
    if kind == "events":
        weights = spec.interactions.weights
        named = ", ".join(f"{name} {weight:g}" for name, weight in list(weights.items())[:MOST_WEIGHTS])
        more = f" and {len(weights) - MOST_WEIGHTS} more" if len(weights) > MOST_WEIGHTS else ""
        least = "; whoever is below 0 with an item counts as 0" if min(weights.values()) < 0 else ""
        return f"weighted {nouns.interactions} of {whom} ({named}{more}{least})"
    repeated = " (repeated ones count once)" if kind == "likes" else ""
    return f"{nouns.interactions} of {whom}{repeated}"


def amount(spec: DatasetSpec, popularity: float) -> str:
    """A popularity with its unit, such as "12 ratings"."""
    if spec.interactions.kind == "events":
        return f"a weight of {popularity:,g}"
    return f"{popularity:,g} {spec.nouns.interaction if popularity == 1 else spec.nouns.interactions}"
