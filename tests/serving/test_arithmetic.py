"""The threads of NumPy in a server, as a process of its own sees them."""

import json
import os
import subprocess
import sys

import pytest

from mcp_server.serving.arithmetic import THREADS

PROGRAM = f"""
import json, os
from mcp_server.serving.arithmetic import load_numpy
load_numpy()
import numpy
import threadpoolctl
print(json.dumps([each["num_threads"] for each in threadpoolctl.threadpool_info()] + [os.environ.get("{THREADS}")]))
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one thread is all that there could be")
@pytest.mark.parametrize(("given", "expected"), [(None, 1), ("2", 2)])
def test_there_is_one_unless_a_number_is_set_and_children_do_not_learn_of_it(given: str | None, expected: int) -> None:
    pytest.importorskip("threadpoolctl")
    environment = {name: value for name, value in os.environ.items() if name != THREADS}
    if given is not None:
        environment[THREADS] = given
    found = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, check=True)
    *n_threads, left = json.loads(found.stdout)
    assert n_threads == [expected]
    assert left == given
