"""Prices of tokens: those that a person gives, else those of the package genai-prices, where it is installed."""

from collections.abc import Sequence

from agent_client.errors import AgentError
from agent_client.models.address import ModelAddress

Price = tuple[float, float]
"""Dollars for a million tokens read, and for a million written."""


def parse_prices(texts: Sequence[str]) -> dict[str, Price]:
    """Prices by model, of texts such as "openai:gpt-4.1=2/8"; an AgentError for texts of another form."""
    prices: dict[str, Price] = {}
    for text in texts:
        model, _, amounts = text.rpartition("=")
        try:
            read, written = map(float, amounts.split("/"))
        except ValueError:
            raise AgentError(f"--price {text!r}: write MODEL=IN/OUT, such as openai:gpt-4.1=2/8") from None
        prices[model] = (read, written)
    return prices


def dollars(address: ModelAddress, price: Price | None, read: int, cached: int, written: int) -> float | None:
    """The cost of one answer's tokens, some of which the provider had in its cache; None without a price."""
    if price is not None:
        return (read * price[0] + written * price[1]) / 1_000_000
    try:
        from genai_prices import Usage, calc_price

        used = Usage(input_tokens=read, cache_read_tokens=cached, output_tokens=written)
        return float(calc_price(used, address.name, provider_api_url=address.place).total_price)
    except (ImportError, LookupError):
        return None
