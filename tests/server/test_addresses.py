"""Addresses: how they are read, and what happens where one is taken."""

from __future__ import annotations

import socket

import pytest

from termprom.errors import AddressInUse
from termprom.server.addresses import BadAddress, bind, join_address, split_address


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:9090", "127.0.0.1", 9090),
        ("localhost:0", "localhost", 0),
        (":9090", "", 9090),
        ("0.0.0.0:1", "0.0.0.0", 1),
        ("[::1]:9090", "::1", 9090),
        ("[::]:65535", "::", 65535),
    ],
)
def test_an_address_is_split_and_joined_again(address: str, host: str, port: int) -> None:
    assert split_address(address) == (host, port)
    assert join_address(host, port) == address


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("9090", "missing port"),
        ("", "missing port"),
        ("::1:9090", "too many colons"),
        ("localhost:", 'invalid port ""'),
        ("localhost:http", "invalid port"),
        ("localhost:65536", "invalid port"),
        ("localhost:-1", "invalid port"),
        ("localhost:" + "1" * 9999, "invalid port"),
        ("localhost:٣", "invalid port"),
    ],
)
def test_an_unreadable_address_says_why(address: str, reason: str) -> None:
    with pytest.raises(BadAddress, match=reason):
        split_address(address)


def test_a_taken_port_is_an_error_that_names_it() -> None:
    with bind("127.0.0.1", 0, 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(AddressInUse, match=rf"listen 127\.0\.0\.1:{port}: address already"):
            bind("127.0.0.1", port, 0)


def test_a_taken_port_may_move_to_the_next_free_one() -> None:
    with bind("127.0.0.1", 0, 0) as first:
        port = first.getsockname()[1]
        with bind("127.0.0.1", port, 20) as second:
            assert port < second.getsockname()[1] <= port + 20


def test_a_host_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(BadAddress, match=r"listen 192\.0\.2\.1:80: "):
        bind("192.0.2.1", 80, 0)
    with pytest.raises(BadAddress, match="listen"):
        bind("no-such-host.invalid", 80, 0)
    with pytest.raises(BadAddress, match="listen"):
        bind("." * 300, 80, 0)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_no_host_means_every_interface_of_both_families() -> None:
    with bind("", 0, 0) as bound:
        port = bound.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=5).close()
