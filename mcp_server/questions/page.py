"""The report of one or more assistants as a page: one file that loads nothing."""

from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from mcp_server.files.web_page import in_script, policy_of
from mcp_server.questions.report import GradingReport
from recsys_shared.plain_text import several_lines

PARTS = Path(__file__).parent / "parts"


def make_page(reports: Sequence[GradingReport]) -> str:
    """The page. Answers are texts of strangers: the page's script shows them as text, never as HTML.

    Args:
        reports: Of answers to the same questions.
    """
    script, style, page = ((PARTS / f"page.{kind}").read_text(encoding="utf-8") for kind in ("js", "css", "html"))
    reported = [_readable(report.model_dump()) for report in reports]
    return Template(page).substitute(
        policy=policy_of(script, style), style=style, reports=in_script(reported), script=script
    )


def _readable(value: Any) -> Any:
    """The same value with texts that cannot turn the direction of what is written around them."""
    if isinstance(value, str):
        return several_lines(value)
    if isinstance(value, dict):
        return {several_lines(str(key)): _readable(each) for key, each in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list | tuple) else value
