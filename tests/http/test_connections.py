"""Which connection gives way to another, and how many there may be."""

import pytest

from mcp_server.http.connections import OTHER_FILES, Connections, affordable, client_network

resource = pytest.importorskip("resource", reason="there is no limit of open files")


class Held:
    def __init__(self, network: str) -> None:
        self.network, self.open = network, True

    def give_way(self) -> None:
        self.open = False


def test_who_has_most_silent_connections_gives_way() -> None:
    connections = Connections(10)
    few = [Held("1") for _ in range(2)]
    many = [Held("2") for _ in range(8)]
    for each in [*few, *many]:
        assert connections.admit(each)
    assert connections.admit(Held("3"))
    assert [each.open for each in many] == [False] + [True] * 7
    assert all(each.open for each in few)
    assert len(connections) == 10


def test_silent_ones_go_before_answered_ones_and_those_being_answered_never() -> None:
    connections = Connections(3)
    busy, idle, silent = Held("1"), Held("1"), Held("2")
    for each in (busy, idle, silent):
        assert connections.admit(each)
    connections.busy(busy)
    connections.idle(idle)
    for expected in (silent, idle):
        new = Held("3")
        assert connections.admit(new)
        assert not expected.open
        connections.busy(new)
    assert not connections.admit(Held("4"))
    assert busy.open


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_whoever_has_one_address_of_ipv6_has_many(address: str, network: str) -> None:
    assert client_network(address) == network


@pytest.mark.parametrize(
    ("soft", "hard", "most"),
    [(256, 256, 128), (256, 1024, 768), (1024, 100_000, 1024), (100_000, 100_000, 1024), (-1, -1, 1024), (1, 1, 1)],
)
def test_as_many_connections_as_files_allow(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.append(new))
    assert affordable(1024) == most
    assert most + OTHER_FILES <= limits[-1][0] or most < 1024 or soft == -1
