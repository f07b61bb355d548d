"""Pictures of items, proposed: a field of addresses that are all in one place."""

import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from mcp_server.dataset.images import ImageSpec
from mcp_server.discovery.field_kinds import PICTURE_WORDS, FieldProposal
from mcp_server.discovery.words import has_word


def find_image(fields: Sequence[FieldProposal]) -> ImageSpec | None:
    """The first field of pictures, and the folder of the web that all of those looked at are in."""
    for field in fields:
        if field.kind == "text" and has_word(field.profile.name, PICTURE_WORDS | {"cover"}):
            try:
                return ImageSpec(field=field.name, base=_place([value for value, _ in field.profile.common]))
            except ValueError:  # no addresses, or in several places
                continue
    return None


def _place(addresses: Sequence[str]) -> str:
    """The folder that addresses have in common.

    Raises:
        ValueError: There is none.
    """
    split = [urlsplit(address) for address in addresses]
    ((scheme, host),) = {(each.scheme, each.netloc) for each in split}
    folder = os.path.commonpath([PurePosixPath(each.path).parent for each in split]).rstrip("/")
    return f"{scheme}://{host}{folder}/"
