"""Docstrings of a model's attributes, read from its source."""

import ast
import inspect
import textwrap

from pydantic import BaseModel


def attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring under each attribute that has one, in Markdown."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    (declared,) = tree.body
    assert isinstance(declared, ast.ClassDef)
    found = {}
    for statement, following in zip(declared.body, declared.body[1:], strict=False):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = as_markdown(text)
    return found


def as_markdown(docstring: str) -> str:
    """A docstring's text in one line, with code as Markdown writes it."""
    return " ".join(docstring.split()).replace("``", "`")
