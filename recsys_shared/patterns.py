"""Regular expressions that are data, as attributes."""

import re
from collections.abc import Mapping


class Patterns:
    """Compiled regular expressions. In a text, @name stands for another one; line breaks and the spaces behind them
    are left out.

    Args:
        texts: The regular expressions by their names.
        others: More that may stand in them.
    """

    def __init__(self, texts: Mapping[str, str], others: Mapping[str, str]) -> None:
        def expanded(text: str) -> str:
            parts = re.split(r"@(\w+)", re.sub(r"\n *", "", text))
            parts[1::2] = (expanded(texts[name]) if name in texts else others[name] for name in parts[1::2])
            return "".join(parts)

        vars(self).update({name: re.compile(expanded(text)) for name, text in texts.items()})

    def __getattr__(self, name: str) -> re.Pattern[str]:
        raise AttributeError(name)
