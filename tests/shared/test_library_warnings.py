"""What libraries warn of, in processes whose threads change how warnings are shown."""

import subprocess
import sys

import pytest

WARNING = """
import warnings
from recsys_shared.library_warnings import hide_library_warnings
hide_library_warnings()
warnings.simplefilter("always")  # as a library's thread may leave it
warnings.showwarning = warnings._showwarning_orig
warnings.warn("for developers")
"""


@pytest.mark.parametrize(("options", "shown"), [([], False), (["-W", "default"], True)])
def test_no_warning_is_shown_unless_python_was_told_to(options: list[str], shown: bool) -> None:
    done = subprocess.run([sys.executable, *options, "-c", WARNING], capture_output=True, encoding="utf-8", check=True)
    assert ("for developers" in done.stderr) == shown
    assert shown or done.stderr == ""
