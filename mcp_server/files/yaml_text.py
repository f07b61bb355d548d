"""YAML texts that others have written: read within limits, so that none can exhaust this process.

PyYAML's safe loader runs no code, but goes as deep as a text nests, and a few lines of aliases stand for more values
than fit any memory.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LONGEST_TEXT = 256 * 1024
"""Characters. PyYAML reads some 100,000 a second."""

DEEPEST_NESTING = 50

TOO_DEEP = f"it nests deeper than {DEEPEST_NESTING} levels"

MOST_NODES = 100_000
"""Largest number of values, where each alias counts as often as it is used."""


LARGEST_INTEGER = 2**63 - 1


class YamlTextError(ValueError):
    """A text is not YAML, or beyond the limits; says why in one line."""


def read_yaml_file(path: Path) -> Any:
    """The value that a file stands for.

    Raises:
        FileNotFoundError: There is no such file.
        YamlTextError: It cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            return read_yaml(stream.read(LONGEST_TEXT + 1))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise YamlTextError(error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise YamlTextError(f"it is not text in UTF-8 ({error.reason} at byte {error.start})") from error


def read_yaml(text: str) -> Any:
    """The value that a text stands for.

    Raises:
        YamlTextError: It cannot be read.
    """
    if len(text) > LONGEST_TEXT:
        raise YamlTextError(f"it is longer than {LONGEST_TEXT:,} characters")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _measure(node, {})
            return _value_of(loader, node)
        finally:
            loader.dispose()
    except RecursionError as error:  # of PyYAML, which calls itself for each level
        raise YamlTextError(TOO_DEEP) from error
    except yaml.YAMLError as error:
        raise YamlTextError(re.sub(r"\s*\n\s*", " ", str(error))) from error


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with integers that every backend can hold."""

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        value = self.construct_yaml_int(node)
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise ValueError("an integer has more than 64 bits")
        return value


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)


def _value_of(loader: _Loader, node: yaml.Node) -> Any:
    try:
        return loader.construct_document(node)
    except yaml.YAMLError:
        raise
    except Exception as error:  # PyYAML lets out whatever Python says of a date or a number that there is not
        raise YamlTextError(f"a value cannot be read: {' '.join(str(error).split())}") from error


@dataclass(frozen=True)
class _Extent:
    """The extent of a node, including everything that its aliases stand for."""

    size: int
    """Nodes."""
    depth: int
    """Levels of lists and mappings."""


def _measure(node: yaml.Node, known: dict[int, _Extent | None]) -> _Extent:
    """Measure a node.

    Args:
        known: Extents of the nodes measured so far, by identity, and None for nodes that are being measured.

    Raises:
        YamlTextError: The node is beyond the limits.
    """
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise YamlTextError(f"line {node.start_mark.line + 1} refers to itself")
        return found
    known[id(node)] = None
    children: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    elif isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    extents = [_measure(child, known) for child in children]
    size = 1 + sum(extent.size for extent in extents)
    depth = isinstance(node, yaml.CollectionNode) + max((extent.depth for extent in extents), default=0)
    if size > MOST_NODES:
        raise YamlTextError(f"it stands for more than {MOST_NODES:,} values")
    if depth > DEEPEST_NESTING:
        raise YamlTextError(TOO_DEEP)
    known[id(node)] = extent = _Extent(size, depth)
    return extent
