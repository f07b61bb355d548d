"""Refusals are all counted, and do not fill the log."""

import pytest

from mcp_server.http.refusals import Refusals


def test_a_flood_of_refusals_is_logged_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    counted: list[str] = []
    refusals = Refusals(counted.append, lambda: now)
    for _ in range(1000):
        refusals.count("head", "too long")
        refusals.count("slow", "too slow")
        now += 0.0025
    assert len(counted) == 2000
    assert len(caplog.records) == 6
    assert "(399 more of this kind before it)" in caplog.text or "(400 more of this kind before it)" in caplog.text
