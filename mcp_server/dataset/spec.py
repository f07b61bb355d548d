"""The dataset specification: one YAML file with all that the program knows about a catalogue.

Tables, tool arguments, descriptions and prompts are generated from it; a new catalogue is a new ``dataset.yaml``, in
which unknown keys are errors. This module owns the file's meaning; it reads no data (the room ``reading`` does).
"""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from mcp_server.dataset.fields import DateForm, FieldSpec, Name, check_names
from mcp_server.dataset.images import ImageSpec
from mcp_server.dataset.search import SearchSpec, SearchWeights
from mcp_server.dataset.sources import Alternatives, Folder, Source, SourceFile, SourceQuery
from mcp_server.errors import DatasetError, quoted
from mcp_server.files.yaml_text import YamlTextError, read_yaml_file

BUNDLED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

MOST_PROBLEMS = 20
"""Problems of a file that are told at once."""

LONGEST_KEY = 60
"""Characters that are shown of each part of a key."""


Feedback = Literal["ratings", "counts", "events", "likes"]

Weight = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]

Expression = Annotated[str, Field(min_length=1, max_length=2_000)]
"""An SQL expression."""


class Nouns(BaseModel, extra="forbid", frozen=True):
    """The owner's words for things, for descriptions and messages."""

    item: str = "item"
    """One item, such as film, product or book."""
    items: str = "items"
    """Several of them, such as films, products or books."""
    user: str = "user"
    """One user, such as viewer, customer or reader."""
    users: str = "users"
    """Several of them."""
    interaction: str = "interaction"
    """One interaction, such as rating, purchase or loan."""
    interactions: str = "interactions"
    """Several of them."""

    def fill(self, text: str, /, **words: str) -> str:
        """Put the nouns into a text, for "{item}", "{Items}" and so on, and other words for their names."""
        nouns = self.model_dump()
        return text.format(**nouns, **{name.capitalize(): noun.capitalize() for name, noun in nouns.items()}, **words)


class ItemSpec(BaseModel, extra="forbid", frozen=True):
    """Items: the things that are recommended."""

    id: str
    """Column with the item's ID, in every source."""
    id_type: Literal["integer", "string"]
    """Type of the IDs. Text such as ``007`` keeps its zeros only as a string."""
    title: Name
    """Text field by which people know an item. Items without a title are never recommended."""
    summary: list[str] = []
    """Fields that describe an item in brief, beside its title. By default the first category and the first two numbers
    that can be filtered."""
    image: ImageSpec | None = None
    """Pictures of items. By default pages show none."""
    same_item: list[list[str]] = []
    """Lists of fields. Two items that agree in all fields of one list are the same item."""
    available: Expression | None = None
    """SQL condition over the fields, such as ``stock > 0``. Items that do not meet it, or of which that is not known,
    are never recommended or listed as popular. By default all items are available."""
    sources: list[Source] = Field(min_length=1)
    """Where the records of items come from. Those with the same ID are joined; where two sources know a field, the
    first one counts."""
    fields: list[FieldSpec] = Field(min_length=1)
    """Attributes of an item, the title among them."""

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        same = [name for key in self.same_item for name in key]
        check_names(self.fields, [self.title, *self.summary, *same], "items")
        if self.image is not None:
            check_names(self.fields, [self.image.field], "items: image")
            if next(field for field in self.fields if field.name == self.image.field).kind != "text":
                raise ValueError(f"items: image: {self.image.field!r} is not a field of kind text")
        return self


class UserSpec(BaseModel, extra="forbid", frozen=True):
    """Users: whom items are recommended to."""

    id: str
    """Column with the user's ID."""
    id_type: Literal["integer", "string"]
    """Type of the IDs."""
    sources: list[Source] = []
    """Files of users. Without any, the users are those who occur in the interactions."""
    fields: list[FieldSpec] = []
    """Attributes of a user."""
    groups: list[str] = []
    """Categories and booleans whose values are user groups, for the popularity tool. A name that occurs in several of
    these fields is published with the field before it: ``vegan:yes``."""

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        check_names(self.fields, self.groups, "users")
        for field in self.fields:
            if field.many:
                raise ValueError(f"users: field {field.name!r} cannot have many values")
        return self


class InteractionSpec(BaseModel, extra="forbid", frozen=True):
    """Interactions: what users have done with items."""

    sources: list[Source] = Field(min_length=1)
    """Where interactions come from, a row for each."""
    user: str
    """Column with the user's ID."""
    item: str
    """Column with the item's ID."""
    rating: str | None = None
    """Column with the rating, the count or the name of the event. Without one every interaction is a like."""
    feedback: Feedback | None = None
    """The meaning of the ``rating`` column. ratings: opinions on a scale. counts: how often or how much, as of plays.
    events: names of events, as view or buy. likes: there is no such column, and every interaction counts as liking. By
    default ratings with such a column, likes without one; a column that does not look like ratings is refused."""
    weights: dict[str, Weight] = {}
    """For events, the weight of each name, such as ``{view: 1, buy: 5, refund: -5}``."""
    decimal: Literal[".", ","] | None = None
    """Decimal mark of ratings or counts. By default it is detected; what could be either is refused."""
    timestamp: str | None = None
    """Column with the time of an interaction: ISO 8601, or seconds, milliseconds or microseconds since 1970."""
    timestamp_format: DateForm | None = None
    """Form of the times, as a field's ``format``, if they are in another form or could be read in several ways."""
    rating_range: tuple[float, float] | None = None
    """Least and greatest rating. Any other is an error in the file."""
    like_threshold: float | None = None
    """Least rating, sum of counts or sum of weights of an item that a user likes. Ratings need one; for counts and
    events anything above 0 is the default."""

    @model_validator(mode="after")
    def _feedback_has_what_it_needs(self) -> Self:
        kind = self.kind
        if (self.rating is None) != (kind == "likes"):
            raise ValueError(
                "interactions: feedback 'likes' goes without a 'rating' column"
                if kind == "likes"
                else f"interactions: feedback {kind!r} needs 'rating', the column that holds it"
            )
        if kind == "ratings" and self.like_threshold is None:
            raise ValueError("interactions: 'rating' needs 'like_threshold', the least rating that means liking")
        if kind == "likes" and self.like_threshold is not None:
            raise ValueError("interactions: 'like_threshold' needs 'rating', the column that it is compared with")
        if (kind == "events") != bool(self.weights):
            raise ValueError(
                "interactions: feedback 'events' needs 'weights', such as {view: 1, buy: 5}"
                if kind == "events"
                else "interactions: 'weights' are for feedback 'events'"
            )
        if self.weights and max(self.weights.values()) <= 0:
            raise ValueError("interactions: at least one of the 'weights' must be above 0")
        if self.rating_range is not None and kind != "ratings":
            raise ValueError("interactions: 'rating_range' is for feedback 'ratings'")
        if self.timestamp_format is not None and self.timestamp is None:
            raise ValueError("interactions: 'timestamp_format' needs 'timestamp', the column that it is of")
        return self

    @property
    def kind(self) -> Feedback:
        """The kind of feedback, declared or by default."""
        return self.feedback or ("likes" if self.rating is None else "ratings")


class ModelSpec(BaseModel, extra="forbid", frozen=True):
    """The model that `prepare` trains."""

    name: str = "auto"
    """auto: CEASE, which is collective EASE, up to some 12,000 items, and more where there are few users; beyond,
    neighbours (CKNN) or factors (ALS), whichever ranks better. Or one of these by name, or any general recommender of
    RecBole."""
    settings: dict[str, Any] = {}
    """Hyper-parameters of the model that is named. Those that are missing keep their defaults, or are chosen."""
    retrain: Literal["auto", "always", "never"] = "auto"
    """When a preparation trains again. always: whenever the interactions or items have changed. auto: once 5% of the
    interactions are new or gone, once 5% of the items are new, or after a week; until then the model serves the newer
    catalogue. never: only on request, or if there is no model."""

    @model_validator(mode="after")
    def _settings_have_a_model(self) -> Self:
        if self.settings and self.name == "auto":
            raise ValueError("settings belong to a model: give its name too, such as name: CEASE")
        return self


class DatasetSpec(BaseModel, extra="forbid", frozen=True):
    """A whole dataset.yaml."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Short name of the dataset: letters, digits, dots, hyphens and underscores."""
    title: str
    """Name of the dataset for people."""
    description: str = ""
    """A sentence about the dataset, without a full stop."""
    licence: str = ""
    """Terms of the data. ``prepare`` shows them."""
    citation: str = ""
    """The work to cite where the data is used."""
    nouns: Nouns = Nouns()
    """The owner's words for items, users and interactions."""
    folders: list[Folder] = []
    """More folders with files, inside the folder of dataset.yaml; ``package:NAME/PATH`` is inside an installed
    package."""
    missing: list[str] | None = None
    """Texts that stand for an unknown value, in any case, beside the empty one. By default NULL, NaN, N/A and \\N; for
    numbers, booleans and dates also NA, None, unknown, ``-``, ``?`` and others of the kind."""
    on_bad_row: Literal["fail", "skip"] = "fail"
    """Handling of rows that cannot be used as declared. fail: the first ones are shown, and nothing is prepared.
    skip: they are left out and counted."""
    items: ItemSpec
    """Items: the things that are recommended."""
    users: UserSpec
    """Users: those who rate, buy, borrow or listen."""
    interactions: InteractionSpec
    """Interactions: the ratings, purchases or plays of users."""
    search: SearchSpec | None = None
    """Texts for search by meaning. Without them there is no such search."""
    model: ModelSpec = ModelSpec()
    """The recommender model."""

    @model_validator(mode="after")
    def _search_fields_are_texts(self) -> Self:
        if self.search is not None:
            for name in [*self.search.texts, *self.search.keywords]:
                field = self.item_field(name)
                if field is None or (name in self.search.texts and field.kind != "text"):
                    raise ValueError(f"search: {name!r} is not a text field of items")
        title = self.item_field(self.items.title)
        if title is None or title.kind != "text":
            raise ValueError(f"items: the title {self.items.title!r} is not a field of kind text")
        for name in self.users.groups:
            field = next(field for field in self.users.fields if field.name == name)
            if field.kind not in ("category", "boolean"):
                raise ValueError(f"users: group {name!r} is not a field of kind category or boolean")
        return self

    def item_field(self, name: str) -> FieldSpec | None:
        return next((field for field in self.items.fields if field.name == name), None)

    @property
    def categories(self) -> list[FieldSpec]:
        """Item fields kept in the table of terms."""
        return [field for field in self.items.fields if field.kind == "category"]

    @property
    def columns(self) -> list[FieldSpec]:
        """Item fields kept as columns of the table of items, the title aside."""
        return [f for f in self.items.fields if f.kind != "category" and f.name != self.items.title]

    @property
    def filters(self) -> list[FieldSpec]:
        return [field for field in self.items.fields if field.filter]

    @property
    def summary(self) -> list[FieldSpec]:
        """Item fields that describe an item in brief, without the title, which stands beside them."""
        if named := [name for name in dict.fromkeys(self.items.summary) if name != self.items.title]:
            return [field for name in named for field in self.items.fields if field.name == name]
        categories = [field for field in self.filters if field.kind == "category"]
        numbers = [field for field in self.filters if field.kind == "number"]
        return [*categories[:1], *numbers[:2]]


def load_spec(path: Path) -> DatasetSpec:
    """Read a dataset.yaml.

    Raises:
        DatasetError: The file is missing, is not YAML, or breaks the specification; the text names the key.
    """
    try:
        content = read_yaml_file(path)
    except FileNotFoundError:
        raise DatasetError(f"{path} does not exist: name a dataset.yaml, or a bundled dataset") from None
    except YamlTextError as error:
        raise DatasetError(f"{path} cannot be read as YAML: {error}") from error
    try:
        return DatasetSpec.model_validate(content)
    except ValidationError as error:
        raise DatasetError(f"{path}: {_problems(error)}") from error


def _problems(error: ValidationError) -> str:
    """The first problems, each with its key."""
    found = error.errors(include_url=False, include_input=False)
    texts = []
    for problem in found[:MOST_PROBLEMS]:
        key = ".".join(str(part)[:LONGEST_KEY] for part in problem["loc"][:MOST_PROBLEMS]) or "file"
        texts.append(f"{key}: {_unknown_key(problem) or problem['msg']}")
    more = f"; and {len(found) - MOST_PROBLEMS} more problems" if len(found) > MOST_PROBLEMS else ""
    return "; ".join(texts) + more


def _unknown_key(problem: ErrorDetails) -> str | None:
    """Words on a key that there is not, with the nearest that there is; None for other problems."""
    if problem["type"] != "extra_forbidden":
        return None
    models = (
        DatasetSpec,
        Nouns,
        ItemSpec,
        ImageSpec,
        UserSpec,
        InteractionSpec,
        SearchSpec,
        SearchWeights,
        ModelSpec,
        FieldSpec,
        SourceFile,
    )
    known = {
        field.alias or name
        for model in (*models, SourceQuery, Alternatives)
        for name, field in model.model_fields.items()
    }
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
    return f"there is no such key{f'; is {near[0]} meant?' if near else ''}"


def bundled_folder() -> Path:
    """The folder of bundled datasets: in the package when installed, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def bundled_spec_file(dataset: str) -> Path | None:
    """The dataset.yaml of a bundled dataset; None where there is none of this name.

    The name means the bundled dataset in any working directory; a folder of the same name there is ``./NAME``.
    """
    if not BUNDLED_NAME.fullmatch(dataset):
        return None
    file = bundled_folder() / dataset / "dataset.yaml"
    return file if file.is_file() else None


def find_spec_file(dataset: str) -> Path:
    """The dataset.yaml that ``dataset`` names: a file, a folder that holds one, or a bundled dataset's name.

    Raises:
        DatasetError: There is none.
    """
    if bundled := bundled_spec_file(dataset):
        return bundled
    try:
        path = Path(dataset).expanduser()
        for candidate in (path, path / "dataset.yaml"):
            if candidate.is_file():
                return candidate
    except (OSError, RuntimeError) as error:  # a name that is too long, or ~NAME of an unknown user
        raise DatasetError(f"dataset {quoted(dataset)}: {error}") from error
    names = ", ".join(sorted(found.parent.name for found in bundled_folder().glob("*/dataset.yaml")))
    raise DatasetError(
        f"there is no dataset {quoted(dataset)}: give the path of a dataset.yaml, or one of: {names or 'none'}"
    )
