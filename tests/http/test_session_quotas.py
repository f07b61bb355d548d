"""Quotas of sessions as a ledger: no HTTP, and a clock that the tests turn."""

import pytest

from mcp_server.http.session_quotas import (
    IDLE_SECONDS,
    SPARED_SECONDS,
    UNUSED_SECONDS,
    NoPlaceError,
    Session,
    Sessions,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Ledger:
    """Sessions with a list of those that have been closed."""

    def __init__(self, most: int = 100, most_each: int = 100) -> None:
        self.clock = Clock()
        self.sessions = Sessions(most, most_each, 2, self.clock)
        self.closed: list[Session] = []

    async def open(self, owner: str, used: bool = False) -> Session:
        async def close() -> None:
            self.closed.append(session)

        session = await self.sessions.open(owner, close)
        self.sessions.finish(session)
        if used:
            self.use(session)
        return session

    def use(self, session: Session) -> None:
        self.sessions.begin(session)
        self.sessions.finish(session)


async def test_what_was_never_used_lives_a_short_time() -> None:
    ledger = Ledger()
    unused, used = await ledger.open("one"), await ledger.open("one", used=True)
    ledger.clock.now = UNUSED_SECONDS - 1
    await ledger.sessions.end_silent()
    assert ledger.closed == []
    late = await ledger.open("two")
    ledger.clock.now = UNUSED_SECONDS
    await ledger.sessions.end_silent()
    assert ledger.closed == [unused]
    ledger.clock.now = IDLE_SECONDS
    await ledger.sessions.end_silent()
    assert ledger.closed == [unused, used, late]
    assert ledger.sessions.n_open == 0


async def test_a_session_with_a_request_in_flight_is_never_closed() -> None:
    ledger = Ledger(most=2, most_each=2)
    busy = [await ledger.open("one", used=True) for _ in range(2)]
    for session in busy:
        ledger.sessions.begin(session)
    ledger.clock.now = 10 * IDLE_SECONDS
    await ledger.sessions.end_silent()
    with pytest.raises(NoPlaceError) as refusal:
        await ledger.open("one")
    assert not refusal.value.everybody
    with pytest.raises(NoPlaceError) as refusal:
        await ledger.open("two")
    assert refusal.value.everybody
    assert ledger.closed == []
    assert ledger.sessions.full


async def test_an_owner_s_abandoned_sessions_give_way_to_new_ones_of_the_same_owner() -> None:
    ledger = Ledger(most_each=2)
    one, two = await ledger.open("one", used=True), await ledger.open("one", used=True)
    foreign = await ledger.open("two")
    ledger.clock.now = SPARED_SECONDS
    ledger.use(one)
    await ledger.open("one")
    assert ledger.closed == [two]
    await ledger.open("one")  # the one before was not used
    with pytest.raises(NoPlaceError):
        for _ in range(2):
            await ledger.open("one", used=True)
    assert foreign not in ledger.closed
    assert one not in ledger.closed


async def test_where_all_places_are_taken_the_greatest_owner_s_unused_one_gives_way() -> None:
    ledger = Ledger(most=4, most_each=3)
    small = await ledger.open("small")
    great = [await ledger.open("great") for _ in range(3)]
    await ledger.open("new", used=True)
    assert ledger.closed == [great[0]]
    assert small not in ledger.closed
    assert ledger.sessions.n_open == 4


async def test_the_count_is_right_whatever_ends_twice() -> None:
    ledger = Ledger(most=1)
    session = await ledger.open("one", used=True)
    ledger.sessions.begin(session)
    ledger.sessions.forget(session)
    ledger.sessions.forget(session)
    ledger.sessions.finish(session)
    await ledger.sessions.end_silent()
    assert ledger.sessions.n_open == 0
    again = await ledger.open("one")
    assert ledger.sessions.n_open == 1
    ledger.sessions.forget(again)
    assert ledger.sessions.n_open == 0


def test_streams_are_bounded_by_owner() -> None:
    sessions = Ledger().sessions
    with sessions.stream("one"), sessions.stream("one"), sessions.stream("two"), pytest.raises(NoPlaceError):
        sessions.stream("one").__enter__()
    with sessions.stream("one"), sessions.stream("one"):
        pass
