"""Links of pages to files outside `docs/`."""

import pytest

from docs_site.links import lead_outside

REPOSITORY = "https://example.com/repository"


@pytest.mark.parametrize(("source", "link", "address"), [
    ("deploy.md", "../docker/README.md#what-is-in-the-images",
     f"{REPOSITORY}/blob/main/docker/README.md#what-is-in-the-images"),
    ("hosts.md", "../examples/tools", f"{REPOSITORY}/tree/main/examples/tools"),
    ("reference/tools.md", "../../README.md", f"{REPOSITORY}/blob/main/README.md"),
])  # fmt: skip
def test_links_out_of_the_folder_lead_to_the_repository(source: str, link: str, address: str) -> None:
    assert lead_outside(f"see [it]({link}).", source, REPOSITORY) == f"see [it]({address})."


@pytest.mark.parametrize("text", ["[a](../your-own-tools.md)", "[b](tools.md#x)", "[c](https://example.org/../d)"])
def test_other_links_stay(text: str) -> None:
    assert lead_outside(text, "reference/tools.md", REPOSITORY) == text


def test_a_link_to_nothing_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"docs/hosts\.md: there is no docker/nothing\.md"):
        lead_outside("[x](../docker/nothing.md)", "hosts.md", REPOSITORY)
