"""Datasets proposed for whole folders, in the layouts of well-known datasets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.errors import DatasetError
from tests.discovery import layouts
from tests.discovery.conftest import Look, LookAt
from tests.discovery.layouts import N_ITEMS, N_USERS, pairs


@pytest.fixture(scope="module")
def see(look_at: LookAt, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Look]:
    """The look at a layout; each is looked at once."""
    seen: dict[str, Look] = {}

    def look(name: str) -> Look:
        if name not in seen:
            seen[name] = look_at(getattr(layouts, name)(tmp_path_factory.mktemp("layouts") / name))
        return seen[name]

    return look


Seen = Callable[[str], Look]


# Films: MovieLens-latest-small


def test_all_rows_of_films_are_read(see: Seen) -> None:
    trial = see("films").trial
    assert (trial.n_items, trial.n_users, trial.n_interactions) == (N_ITEMS, N_USERS, len(set(pairs())))


def test_films_are_found_by_their_ids(see: Seen) -> None:
    declared = see("films").declared
    assert (declared["items"]["id"], declared["items"]["id_type"]) == ("movieId", "integer")
    assert (declared["interactions"]["user"], declared["interactions"]["item"]) == ("userId", "movieId")
    assert {source["file"] for source in declared["items"]["sources"]} == {"movies.csv", "links.csv", "tags.csv"}
    assert declared["nouns"] == {
        "item": "movie", "items": "movies", "user": "user", "users": "users",
        "interaction": "rating", "interactions": "ratings",
    }  # fmt: skip


def test_the_year_of_a_title_is_a_field(see: Seen) -> None:
    year = see("films").fields["year"]
    assert (year["kind"], year["integer"], year["filter"]) == ("number", True, True)
    assert "regexp_extract(title" in year["source"]


def test_names_in_one_text_are_divided(see: Seen) -> None:
    genres = see("films").fields["genres"]
    assert (genres["many"], genres["separator"], genres["filter"]) == (True, "|", True)
    assert "(no genres listed)" in see("films").declared["missing"]


def test_tags_are_collected_and_links_are_texts(see: Seen) -> None:
    fields = see("films").fields
    assert (fields["tag"]["kind"], fields["tag"]["many"]) == ("category", True)
    assert fields["imdb_id"] == {"name": "imdb_id", "kind": "text", "source": "imdbId"}


def test_ratings_have_a_range_and_a_threshold(see: Seen) -> None:
    interactions = see("films").declared["interactions"]
    assert (interactions["feedback"], interactions["rating"]) == ("ratings", "rating")
    assert interactions["rating_range"] == [1, 5]
    assert interactions["like_threshold"] == 4
    assert (interactions["timestamp"], interactions["timestamp_format"]) == ("timestamp", "s")


# A shop


def test_prices_stock_dates_and_booleans_are_told_apart(see: Seen) -> None:
    fields = see("shop").fields
    assert {name: field["kind"] for name, field in fields.items()} == {
        "name": "text", "category": "category", "price": "number", "stock": "number", "added": "date",
        "organic": "boolean", "description": "text",
    }  # fmt: skip
    assert fields["price"]["unit"] == "$"
    assert [name for name, field in fields.items() if not field.get("filter")] == ["description"]


def test_what_is_out_of_stock_is_not_available(see: Seen) -> None:
    assert see("shop").declared["items"]["available"] == "stock > 0"


def test_long_texts_are_searched_and_the_title_is_a_keyword(see: Seen) -> None:
    search = see("shop").declared["search"]
    assert search["texts"] == ["description"]
    assert search["keywords"][0] == "name"
    assert search["language"] == "english"


def test_events_get_weights_and_a_view_alone_is_no_like(see: Seen) -> None:
    interactions = see("shop").declared["interactions"]
    assert (interactions["feedback"], interactions["rating"]) == ("events", "event")
    assert interactions["weights"] == {"view": 1, "purchase": 5}
    assert interactions["like_threshold"] == 3


def test_personal_columns_of_users_are_left_out(see: Seen) -> None:
    users = see("shop").declared["users"]
    assert [field["name"] for field in users["fields"]] == ["age", "age_group", "city"]
    assert users["groups"] == ["age_group", "city"]
    assert "# - customers.csv: email: it is personal" in see("shop").trial.text


# A music history


def test_quotation_marks_that_quote_nothing_are_text(see: Seen) -> None:
    sources = see("music").declared["items"]["sources"]
    assert sources[0] == {"file": "artists.dat", "quote": ""}
    assert see("music").trial.n_items == N_ITEMS
    assert see("music").trial.notes == [
        f"{len(pairs()) - len(set(pairs()))} interactions repeat a pair of user and artist: "
        "the counts of a pair are added up."
    ]


def test_counts_are_counts_without_times(see: Seen) -> None:
    interactions = see("music").declared["interactions"]
    assert (interactions["feedback"], interactions["rating"]) == ("counts", "weight")
    assert "timestamp" not in interactions


def test_names_of_tags_are_joined_by_their_ids(see: Seen) -> None:
    query = see("music").declared["items"]["sources"][1]["query"]
    assert "FROM 'user_taggedartists.dat' t JOIN 'tags.dat' n ON n.tagID = t.tagID" in query
    assert see("music").fields["tag_value"]["many"] is True


# JSON lines


def test_parts_of_objects_and_lists_are_fields(see: Seen) -> None:
    fields = see("reviews").fields
    assert fields["price_amount"]["source"] == "price.amount"
    assert (fields["categories"]["many"], fields["brand"]["kind"]) == (True, "category")


def test_ids_that_begin_with_zeros_are_texts(see: Seen) -> None:
    declared = see("reviews").declared
    assert (declared["items"]["id"], declared["items"]["id_type"]) == ("asin", "string")
    assert declared["users"] == {"id": "reviewerID", "id_type": "string", "sources": []}


# Files without header lines


def test_files_without_header_lines_are_told_apart_by_their_values(see: Seen) -> None:
    look = see("nameless")
    assert (look.trial.n_items, look.trial.n_users) == (90, 70)
    assert look.declared["items"]["sources"] == [
        {
            "file": "movies.dat",
            "encoding": "windows-1252",
            "separator": "::",
            "columns": ["column1", "column2", "column3"],
        }
    ]
    assert look.declared["users"]["sources"][0]["file"] == "users.dat"
    interactions = look.declared["interactions"]
    assert (interactions["user"], interactions["item"]) == ("column1", "column2")
    assert (interactions["rating"], interactions["timestamp"]) == ("column3", "column4")
    assert look.fields["title"]["source"] == "column2"


def test_counts_without_a_header_line_are_no_ids(see: Seen) -> None:
    look = see("headless_music")
    assert look.declared["interactions"]["sources"][0]["file"] == "user_artists.dat"
    told = {key: look.declared["interactions"][key] for key in ("user", "item", "rating", "feedback")}
    assert told == {"user": "column1", "item": "column2", "rating": "column3", "feedback": "counts"}
    assert (look.trial.n_items, look.trial.n_users, look.trial.n_interactions) == (90, 70, 630)
    assert {question.key for question in look.questions} == {"columns of users and items", "what a column counts"}


def test_a_column_without_a_name_counts_nothing_if_its_owner_says_so(look_at: LookAt, tmp_path: Path) -> None:
    folder = layouts.headless_music(tmp_path / "music")
    declared = look_at(folder, {"what a column counts": "no"}).declared["interactions"]
    assert declared["feedback"] == "likes"
    assert "rating" not in declared


def test_friends_of_users_are_no_items(look_at: LookAt, tmp_path: Path) -> None:
    layouts.table(tmp_path / "app", "user_friends.csv", ("userID", "friendID"), pairs())
    layouts.table(tmp_path / "app", "songs.csv", ("id", "name"), [(n, f"Song {n}") for n in range(1, N_ITEMS + 1)])
    with pytest.raises(DatasetError, match="no table was found that says which user did something with which item"):
        look_at(tmp_path / "app")


def test_ratings_with_decimal_points_and_commas_are_read(look_at: LookAt, tmp_path: Path) -> None:
    rated = [(f"u{user}", f"p{item}", ("4,5", "2.5", "1", "3,5")[(user + item) % 4]) for user, item in pairs()]
    layouts.table(tmp_path / "shop", "reviews.csv", ("user", "sku", "stars"), rated, ";")
    products = [(f"p{n}", f"Lamp {n}", "3.5" if n == 7 else f"{n},50") for n in range(1, N_ITEMS + 1)]
    layouts.table(tmp_path / "shop", "products.csv", ("sku", "name", "price"), products, ";")
    look = look_at(tmp_path / "shop")
    assert look.declared["interactions"]["rating_range"] == [1, 4.5]
    assert look.trial.n_interactions == len(set(pairs()))
    assert (look.fields["price"]["kind"], look.declared.get("on_bad_row", "fail")) == ("number", "fail")


@pytest.mark.parametrize("name", ["films", "shop", "music", "reviews", "nameless"])
def test_no_row_of_a_layout_is_left_out(see: Seen, name: str) -> None:
    look = see(name)
    assert look.declared.get("on_bad_row", "fail") == "fail"
    assert [note for note in look.trial.notes if "left out" in note] == []
    assert look.trial.proposal.left_out == []


def test_every_question_has_a_default_that_it_takes(see: Seen) -> None:
    questions = [question for name in ("films", "shop", "nameless") for question in see(name).questions]
    assert {question.key for question in questions} == {"like threshold", "weights of events"}
    for question in questions:
        question.parse(question.default)


def test_a_table_with_the_same_columns_is_named_as_a_copy(look_at: LookAt, tmp_path: Path) -> None:
    layouts.films(tmp_path / "films")
    layouts.table(
        tmp_path / "films", "samples/movies.csv", ("movieId", "title", "genres"), [(1, "A Copy (1999)", "Drama")]
    )
    left_out = look_at(tmp_path / "films").trial.proposal.left_out
    assert [each.name for each in left_out] == ["samples/movies.csv"]
    assert "same columns as movies.csv" in left_out[0].why


def test_interactions_alone_make_items_and_users(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"c{user}", f"sku-{item}", f"Tea {item} from Assam", ("NO", "SE")[user % 2], 1 + item % 3)
            for user, item in pairs()]  # fmt: skip
    layouts.table(tmp_path, "sales.csv", ("customer", "sku", "description", "country", "quantity"), rows)
    look = look_at(tmp_path)
    assert look.trial.n_items == len({item for _, item in pairs()})
    assert look.declared["items"]["title"] == "description"
    assert "mode(description) AS description" in look.declared["items"]["sources"][0]["query"]
    assert look.declared["users"]["groups"] == ["country"]
    assert look.declared["interactions"]["feedback"] == "counts"


# Pictures


@pytest.mark.parametrize(
    ("column", "addresses", "image"),
    [
        ("poster_url", "https://img.test/posters/{}.jpg", {"field": "poster_url", "base": "https://img.test/posters/"}),
        ("cover", "https://img.test:8080/{}/large.jpg", {"field": "cover", "base": "https://img.test:8080/"}),
        ("picture", "http://img.test/posters/{}.jpg", None),
        ("photo", "photo-{}.jpg", None),
        ("website", "https://img.test/posters/{}.html", None),
        ("image", "https://img{}.test/a.jpg", None),
    ],
)
def test_pictures_in_one_place_are_proposed(
    look_at: LookAt, tmp_path: Path, column: str, addresses: str, image: dict[str, str] | None
) -> None:
    rows = [f"{number},Book {number},{addresses.format(number)}" for number in range(1, 21)]
    (tmp_path / "books.csv").write_text("\n".join([f"book_id,title,{column}", *rows]))
    loans = [f"{user},{1 + (user * 7 + book) % 20}" for user in range(1, 30) for book in range(5)]
    (tmp_path / "loans.csv").write_text("\n".join(["reader_id,book_id", *loans]))
    assert look_at(tmp_path).declared["items"].get("image") == image
