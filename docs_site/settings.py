"""The reference of the settings: every variable with its values, its default and its meaning."""

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs_site.key_types import in_words
from docs_site.markdown import page, table
from mcp_server.settings import ENV_FILE_VARIABLE, HARMLESS, SECRETS_FOLDER, Settings

INTRODUCTION = f"""
Every setting is an environment variable. Commands have options of the same names for the settings that concern them
([commands](commands.md)), and an option takes precedence over a variable. Settings can also come from:

- a file of lines `RECSYS_NAME=VALUE`, which `--env-file FILE` or `{ENV_FILE_VARIABLE}` names;
- files named `recsys_name` in a folder of secrets, as Docker and Kubernetes mount them: `{SECRETS_FOLDER}`, or the
  folder that `RECSYS_SECRETS_DIR` names;
- a file `.env` in the working directory, for the settings marked with *.env* only. The others decide which code runs,
  which files are read or written, which servers are asked, or who may ask this one.

Variables of the environment come before a file, and a file before a folder of secrets.

Beside these, `RECSYS_SOURCE_NAME` is the URL of the database that a `dataset.yaml` calls NAME
([your own catalogue](../your-own-catalogue.md#from-a-database)).
"""


def settings_page() -> str:
    """The page, in Markdown."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return page("Settings", INTRODUCTION, table(("variable", "value", "default", "meaning", ".env"), rows))


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    default = field.get_default(call_default_factory=True)
    shown = "" if default in (None, "", [], PydanticUndefined) else f"`{default}`"
    if isinstance(default, bool):
        shown = f"`{str(default).lower()}`"
    return (
        f"`RECSYS_{name.upper()}`",
        in_words(field.annotation),
        shown,
        field.description or "",
        "yes" if name in HARMLESS else "",
    )
