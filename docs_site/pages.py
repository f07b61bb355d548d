"""All reference pages, by the names of their files."""

from docs_site.commands import commands_page
from docs_site.dataset_yaml import dataset_yaml_page
from docs_site.settings import settings_page
from docs_site.tools import tools_page
from mcp_server.dataset.facts import DatasetFacts


def reference_pages(films: DatasetFacts) -> dict[str, str]:
    """The pages in Markdown.

    Args:
        films: MovieLens-100k, prepared.
    """
    return {
        "dataset-yaml.md": dataset_yaml_page(),
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "tools.md": tools_page(films),
    }
