"""The order of a list of items, as callers write it: "duration" or, for the least first, "duration asc"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_server.dataset.computed_fields import amount_name, computed_fields
from mcp_server.errors import InvalidInputError, quoted
from mcp_server.tools.readings.orders import meant_column

if TYPE_CHECKING:
    from mcp_server.catalog.item_columns import Order
    from mcp_server.dataset.spec import DatasetSpec


def read_order(asked: str, spec: DatasetSpec) -> Order:
    """The order that a caller means, as ``readings.orders`` gives it.

    Raises:
        InvalidInputError: The field is unknown or has no order.
    """
    from mcp_server.catalog.item_columns import Order  # with NumPy

    name, _, direction = asked.partition(" ")
    declared = [field.name for field in spec.items.fields if field.kind in ("number", "date")]
    there_are = [*declared, *(field.name for field in computed_fields(spec))]
    name = meant_column(name, there_are, amount_name(spec))
    if name not in there_are:
        raise InvalidInputError(
            f"order_by: {quoted(name)} is no number or date. Give one of {', '.join(there_are)}; "
            f'"{there_are[0]} asc" puts the least first'
        )
    return Order(name, descending=direction != "asc")


def say_order(order: Order, spec: DatasetSpec) -> str:
    """An order in words, such as "greatest duration first"."""
    field = spec.item_field(order.field)
    if field is not None and field.kind == "date":
        return f"{'latest' if order.descending else 'earliest'} {order.field} first"
    return f"{'greatest' if order.descending else 'least'} {order.field} first"
