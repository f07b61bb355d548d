"""Questions and the truth of each, as they are written in JSON lines.

A truth says which answers are right, in a form that a program can check: a number, names, a list of items or users, or
that there is no such thing. It holds every answer that is right and says nothing of how to find it.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mcp_server.types import Id

Language = Literal["en", "de", "es", "fr", "it", "nl", "pt"]


class NumberTruth(BaseModel, extra="forbid", frozen=True):
    """One number."""

    form: Literal["number"] = "number"
    values: list[float] = Field(min_length=1)
    """The numbers that are right: several where the question can be understood in several ways."""
    tolerance: float = 0.0
    """Largest difference from one of them."""
    percent: bool = False
    """The number is a percentage, and a text must write it as one."""
    context: list[float] = []
    """Numbers that a right text may name before the answer, such as the ID of what was asked about."""


class NamesTruth(BaseModel, extra="forbid", frozen=True):
    """One or more values of a field."""

    form: Literal["names"] = "names"
    part: Literal["items", "users"]
    """The field belongs to items or to users."""
    field: str
    names: list[str] = Field(min_length=1)
    whole: bool = False
    """All of these names and no others are right. Otherwise the first name given must be one of them."""


class ListTruth(BaseModel, extra="forbid", frozen=True):
    """Items or users. Every condition that is given must hold."""

    form: Literal["list"] = "list"
    part: Literal["items", "users"] = "items"
    all_of: list[Id] = []
    """IDs that must be named."""
    allowed: list[Id] | None = None
    """All that are named must be among these; None where any of the catalogue may be."""
    none_of: list[Id] = []
    """IDs that must not be named."""
    count: int | None = None
    """The number that must be named."""
    first: list[Id] = []
    """The first that is named must be one of these."""
    about: list[Id] = []
    """IDs in the question, which a text may repeat: they are no answers."""


class RefusalTruth(BaseModel, extra="forbid", frozen=True):
    """Nothing can be answered: what was asked about does not exist, or was not named."""

    form: Literal["refusal"] = "refusal"
    asks_back: bool = False
    """Something is missing that the person has to say. Otherwise it is right to say that there is no such thing."""
    may_suggest: bool = False
    """A right text may name others, as in "Did you mean ...?"."""


Truth = Annotated[NumberTruth | NamesTruth | ListTruth | RefusalTruth, Field(discriminator="form")]


class Question(BaseModel, extra="forbid", frozen=True):
    """A question of an owner, or a conversation of several, of which the last one is to be answered."""

    id: str
    """The family, a number, and a digest of the words, so that no answer is taken for that to another question."""
    family: str
    language: Language = "en"
    question: str | None = None
    turns: list[str] | None = None
    truth: Truth
    calls: int
    """Calls of tools that a good answer takes."""

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if (self.question is None) == (not self.turns):
            raise ValueError("either 'question' or 'turns' is needed")
        return self

    @property
    def words(self) -> str:
        """All that the person says."""
        return self.question if self.question is not None else "\n".join(self.turns or [])

    def as_line(self) -> dict[str, Any]:
        """The question without what is as usual."""
        line = self.model_dump(exclude_defaults=True)
        return {**line, "truth": {"form": self.truth.form, **line["truth"]}}
