"""The documents as they are, without a browser."""

import json
import re
from html.parser import HTMLParser

import pytest

from mcp_server.apps import MIME_TYPE, AppPage, build_pages
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import DatasetSpec, find_spec_file, load_spec
from mcp_server.tools import build_tools
from tests.conftest import SHOP

FILMS = load_spec(find_spec_file("ml-100k"))
SHOP_SPEC = load_spec(SHOP / "dataset.yaml")


class Reader(HTMLParser):
    """Elements, attributes and scripts of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.policy = ""
        self.about = ""
        self._in_about = False
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        values = dict(attrs)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        self._in_about = values.get("id") == "about"

    def handle_data(self, data: str) -> None:
        if self._in_about:
            self.about += data

    def handle_endtag(self, tag: str) -> None:
        self._in_about = False


def pages(spec: DatasetSpec) -> list[AppPage]:
    return list(build_pages(DatasetFacts(spec, None)).values())


def both_datasets() -> list[AppPage]:
    return [*pages(FILMS), *pages(SHOP_SPEC)]


@pytest.mark.parametrize("spec", [FILMS, SHOP_SPEC], ids=["films", "shop"])
def test_each_page_is_for_tools_that_the_dataset_has(spec: DatasetSpec) -> None:
    tools = build_tools(DatasetFacts(spec, None))
    found = build_pages(DatasetFacts(spec, None))
    assert sorted(found) == ["ui://recsys/popularity", "ui://recsys/recommendations", "ui://recsys/taste"]
    for uri, page in found.items():
        assert page.uri == uri
        assert set(page.tools) <= set(tools)


@pytest.mark.parametrize("page", both_datasets(), ids=lambda page: page.title)
def test_a_document_refers_to_nothing_outside(page: AppPage) -> None:
    document = page.html()
    reader = Reader(document)
    assert not reader.attributes & {"src", "href", "srcset", "data", "action", "style", "onclick", "onload"}
    assert set(re.findall(r"\w+://[^\s\"'`)]+", document)) <= {
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/2000/svg",
    }
    assert not re.search(r"url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket|innerHTML|\beval\(", document)


@pytest.mark.parametrize("page", both_datasets(), ids=lambda page: page.title)
def test_the_policy_lets_nothing_in_but_what_is_there(page: AppPage) -> None:
    rules = dict(rule.split(" ", 1) for rule in Reader(page.html()).policy.split("; "))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert sorted(rules) == ["script-src", "style-src"]
    assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", source) for source in rules.values())


@pytest.mark.parametrize("page", both_datasets(), ids=lambda page: page.title)
def test_hosts_are_told_that_no_domain_is_needed(page: AppPage) -> None:
    assert MIME_TYPE == "text/html;profile=mcp-app"
    assert page.meta["ui"]["csp"] == {"connectDomains": [], "resourceDomains": []}


@pytest.mark.parametrize("page", pages(SHOP_SPEC), ids=lambda page: page.name)
def test_a_shops_pages_know_nothing_of_films(page: AppPage) -> None:
    foreign = r"\b(films?|movies?|viewers?|imdb\w*|genres?|release_year)\b"
    assert not re.search(foreign, page.html(), re.IGNORECASE)
    assert re.search(r"\b(customer|product)s?\b", page.title + page.description)


def test_what_a_page_is_told_of_films() -> None:
    about = json.loads(Reader(pages(FILMS)[0].html()).about)
    assert about["nouns"]["user"] == "viewer"
    assert about["rating"] == {"range": [1, 5], "liked": 4}
    summary = {field["name"]: field for field in about["summary"]}
    assert list(summary) == ["release_year", "genres", "imdb_rating"]
    assert [name for name, field in summary.items() if field["year"]] == ["release_year"]


def test_words_of_a_dataset_cannot_end_the_element_that_they_are_in() -> None:
    nasty = "</script><script>alert(1)</script><!--"
    spec = FILMS.model_copy(update={"nouns": FILMS.nouns.model_copy(update={"item": nasty}), "title": nasty})
    plain, reader = (Reader(pages(each)[0].html()) for each in (FILMS, spec))
    assert reader.elements == plain.elements
    assert json.loads(reader.about)["nouns"]["item"] == nasty
