"""Pictures of items, as a specification declares them."""

import re
from typing import Annotated
from urllib.parse import urljoin

from pydantic import BaseModel, Field


class ImageSpec(BaseModel, extra="forbid", frozen=True):
    """Pictures of items, such as posters or photos. Pages show them; a model never looks at them."""

    field: str
    """Text field with the address of an item's picture, or with what follows ``base`` in it."""
    base: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/([A-Za-z0-9._~%-]+/)*$")]
    """Place of all pictures, such as ``https://images.example.com/posters/``, with a slash at its end. Pages may load
    pictures from there, and nothing from anywhere else: an item whose picture is elsewhere is shown without one. Only
    HTTPS is taken, so that a dataset of somebody else has no browser ask plain servers of a local network."""

    def address(self, named: str) -> str | None:
        """The address of a picture, as pages build it; None where it is not in the place of all pictures.

        Args:
            named: A value of the field.
        """
        is_whole = re.match(r"[a-z][a-z\d+.-]*:|//", named, re.IGNORECASE)
        try:
            address = urljoin(self.base, named if is_whole else self.base + named.lstrip("/"))
        except ValueError:  # no address at all
            return None
        steps_up = ".." in re.sub("%2e", ".", address, flags=re.IGNORECASE).split("/")  # which browsers take
        return address if address.startswith(self.base) and not steps_up else None
