"""Addresses to listen on."""

import ipaddress


def is_this_machine(host: str) -> bool:
    """True if an address to listen on is reached from this machine alone. 0.0.0.0 is not: it listens everywhere."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
