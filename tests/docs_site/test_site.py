"""The documentation builds as a site, every link in it leads somewhere, and it loads nothing from elsewhere."""

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ADDRESS = "http://site"

LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "srcset")}
"""Attributes whose address a browser loads by itself; of links to styles and icons, `href`, too."""

LOADING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}


class Page(HTMLParser):
    """The addresses and the anchors in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loaded += [given[name] for kind, name in LOADED if kind == tag and name in given]
        if tag == "link" and LOADING_LINKS & set(given.get("rel", "").split()):
            self.loaded.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """The pages by their addresses."""
    files = sorted(site.rglob("*.html"))
    return {f"{ADDRESS}/{file.relative_to(site).as_posix()}": Page(file.read_text(encoding="utf-8")) for file in files}


def test_every_document_is_a_page_and_in_the_list_of_pages(site: Path) -> None:
    documents = {file.relative_to(ROOT / "docs").as_posix() for file in (ROOT / "docs").rglob("*.md")}
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(_files(nav)) == sorted(documents)
    assert [name for name in documents if not (site / name.replace(".md", ".html")).is_file()] == []


def _files(nav: object) -> Iterator[str]:
    match nav:
        case str(file):
            yield file
        case list(entries):
            for entry in entries:
                yield from _files(entry)
        case dict(entries):
            for entry in entries.values():
                yield from _files(entry)


def places(pages: dict[str, Page], kind: Literal["links", "loaded"]) -> list[tuple[str, str]]:
    """Pages, each with the whole address of something that it links to or loads."""
    found = [
        (address, urljoin(address, link))
        for address, page in pages.items()
        if not address.endswith("404.html")  # its links begin at the root of the published site
        for link in getattr(page, kind)
    ]
    assert found
    return found


def test_links_within_the_site_lead_to_pages_and_places_in_them(site: Path, pages: dict[str, Page]) -> None:
    def leads_somewhere(address: str) -> bool:
        target, anchor = urldefrag(address)
        if target in pages:
            return not anchor or unquote(anchor) in pages[target].anchors
        return is_file(site, target)

    within = [each for each in places(pages, "links") if each[1].startswith(ADDRESS)]
    assert [each for each in within if not leads_somewhere(each[1])] == []


def test_pages_load_only_files_of_the_site(site: Path, pages: dict[str, Page]) -> None:
    loaded = [each for each in places(pages, "loaded") if not each[1].startswith("data:")]
    assert [each for each in loaded if not (each[1].startswith(ADDRESS) and is_file(site, each[1]))] == []


def is_file(site: Path, address: str) -> bool:
    return (site / unquote(urlsplit(address).path).lstrip("/")).is_file()
