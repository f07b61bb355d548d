"""Findings of axe about the accessibility of a page."""

from tests.apps.hosted import Hosted


def problems(hosted: Hosted) -> list[str]:
    """Each with the elements that have it; colours, names, roles, order of headings and the like."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(hosted.frame).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
