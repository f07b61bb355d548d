"""Prices of tokens: those that a person gives, else those of the package genai-prices, where it is installed."""

from collections.abc import Sequence

from agent_client.errors import AgentError
from agent_client.models.address import ModelAddress
from recsys_shared.answers import Answer

Price = tuple[float, float]
"""Dollars for a million tokens read, and for a million written."""


def parse_prices(texts: Sequence[str], models: Sequence[ModelAddress]) -> dict[str, Price]:
    """Prices by model, of texts such as "openai:gpt-4.1=2/8"; an AgentError for other forms, or other models."""
    prices: dict[str, Price] = {}
    for text in texts:
        model, _, amounts = text.rpartition("=")
        try:
            read, written = map(float, amounts.split("/"))
        except ValueError:
            raise AgentError(f"--price {text!r}: write MODEL=IN/OUT, such as openai:gpt-4.1=2/8") from None
        if model not in map(str, models):
            asked = ", ".join(map(str, models))
            raise AgentError(f"--price {text!r} is for none of the models that are asked: {asked}")
        prices[model] = (read, written)
    return prices


def dollars(address: ModelAddress, price: Price | None, answer: Answer) -> float | None:
    """The cost of one answer's tokens; None if they were not counted, or have no price."""
    if answer.tokens_in is None and answer.error is None:  # a refused request costs nothing
        return None
    read, written = answer.tokens_in or 0, answer.tokens_out or 0
    if price is not None:
        return (read * price[0] + written * price[1]) / 1_000_000
    try:
        from genai_prices import Usage, calc_price

        used = Usage(input_tokens=read, cache_read_tokens=answer.tokens_cached or 0, output_tokens=written)
        return float(calc_price(used, address.name, provider_api_url=address.place).total_price)
    except (ImportError, LookupError):
        return None
