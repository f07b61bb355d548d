"""The texts that search reads, and the weights of its comparisons, as a specification declares them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

Language = Literal["arabic", "azerbaijani", "basque", "bengali", "catalan", "chinese", "danish", "dutch", "english",
                   "finnish", "french", "german", "greek", "hebrew", "hinglish", "hungarian", "indonesian", "italian",
                   "japanese", "kazakh", "nepali", "norwegian", "portuguese", "romanian", "russian", "slovene",
                   "spanish", "swedish", "tajik", "turkish"]  # fmt: skip
"""Languages of the word index."""

SearchWeight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class SearchWeights(BaseModel, extra="forbid", frozen=True):
    """The share of each comparison in the order of what search finds. All are on one scale; 0 leaves one out."""

    text: SearchWeight = 0.5
    """Nearness in meaning of the whole text to the query."""
    sentences: SearchWeight = 1.0
    """Nearness in meaning of the sentence that is nearest."""
    words: SearchWeight = 0.7
    """Words that text, keywords or kinds share with the query, rare ones above all (BM25)."""
    profile: SearchWeight = 0.5
    """Nearness in meaning of the profile: kinds of the item, its summary and its first text."""
    popularity: SearchWeight = 0.4
    """Popularity: of two items that are equally near, people mean the better known one."""

    @model_validator(mode="after")
    def _something_is_compared(self) -> Self:
        if not (self.text or self.sentences or self.words or self.profile):
            raise ValueError("one of text, sentences, words and profile must be above 0")
        return self


class SearchSpec(BaseModel, extra="forbid", frozen=True):
    """The texts that search by meaning reads."""

    texts: list[str] = Field(min_length=1)
    """Text fields that are embedded, whole and sentence by sentence, and indexed by their words."""
    moods: bool = False
    """The texts tell how something feels, as those of films, novels and songs do: prompts and descriptions then speak
    of moods, too."""
    keywords: list[str] = []
    """More fields whose words are indexed."""
    language: Language = "english"
    """Language of the texts: decides the stemmer and the stop words of the word index. For languages other than English
    choose a multilingual embedding model, too: RECSYS_EMBEDDING_MODEL."""
    sentences: bool | Literal["auto"] = "auto"
    """Embed each sentence on its own, too, which finds more. auto: while all texts are estimated to take less than ten
    minutes."""
    weights: SearchWeights = SearchWeights()
    """Weights of the comparisons with a query. They can be changed without embedding anything again."""
