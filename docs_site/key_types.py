"""The types of keys and settings, in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr

Words = Mapping[Any, tuple[str, str]]
"""Types, each with the words for one value and for several."""

SIMPLE: Words = MappingProxyType(
    {
        str: ("text", "texts"),
        int: ("whole number", "whole numbers"),
        float: ("number", "numbers"),
        bool: ("`true` or `false`", "booleans"),
        Path: ("path", "paths"),
        SecretStr: ("text, secret", "secret texts"),
        Any: ("value", "values"),
    }
)


def in_words(annotation: Any, words: Words = SIMPLE, *, several: bool = False) -> str:
    """A type in words; for an optional value, the type of a value that is given.

    Args:
        words: Words for the types that this module does not take apart.
        several: The plural, after "list of".
    """
    if annotation in words:
        return words[annotation][several]
    arguments = [argument for argument in get_args(annotation) if argument is not NoneType]
    origin = get_origin(annotation)
    if origin is Annotated:
        return in_words(arguments[0], words, several=several)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(in_words(each, words, several=several) for each in arguments))
    if origin is Literal:
        return _list_of_choices(arguments)
    many = "s" if several else ""
    if origin is list:
        return f"list{many} of {in_words(arguments[0], words, several=True)}"
    if origin is tuple:
        return f"list{many} of {len(arguments)} {in_words(arguments[0], words, several=True)}"
    if origin is dict:
        return f"mapping{many} of names to {in_words(arguments[1], words, several=True)}"
    raise TypeError(f"there are no words for {annotation}")


def _list_of_choices(choices: Sequence[object]) -> str:
    *others, last = (f"`{choice}`" for choice in choices)
    return f"{', '.join(others)} or {last}" if others else last


def choices_in(annotation: Any) -> list[str]:
    """The values that a type allows, where it names them."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    return [choice for argument in get_args(annotation) for choice in choices_in(argument)]
