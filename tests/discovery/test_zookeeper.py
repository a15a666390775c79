"""Nerve and Serverset discovery, against a ZooKeeper that speaks the wire protocol."""

from __future__ import annotations

import asyncio
import json
import struct

import pytest

from termprom import limits
from termprom.discovery.zookeeper import nerve_member, serverset_member
from termprom.discovery.zookeeper_client import ZooKeeper
from termprom.errors import DiscoveryError
from tests.discovery.fakes import running, until
from tests.discovery.mechanisms import mechanism, named
from tests.discovery.zookeeper_fake import zookeeper

_GET_DATA = 4


def _nerve(host: str, port: int = 80) -> str:
    return json.dumps({"host": host, "port": port, "name": f"{host}-name"})


def test_what_a_member_of_a_serverset_says() -> None:
    content = {
        "serviceEndpoint": {"host": "h", "port": 80},
        "additionalEndpoints": {"my-admin": {"host": "a", "port": 81}},
        "status": "ALIVE",
        "shard": 3,
    }
    member = serverset_member(content, "/p/member_1")
    assert member.address == "h:80"
    assert named("serverset", dict(member.labels)) == {
        "path": "/p/member_1",
        "status": "ALIVE",
        "shard": "3",
        "endpoint_host": "h",
        "endpoint_port": "80",
        "endpoint_host_my_admin": "a",
        "endpoint_port_my_admin": "81",
    }


def test_what_a_member_of_nerve_says() -> None:
    member = nerve_member({"host": "::1", "port": 80, "name": "n"}, "/p/x")
    assert member.address == "[::1]:80"
    assert named("nerve", dict(member.labels)) == {
        "path": "/p/x",
        "endpoint_host": "::1",
        "endpoint_port": "80",
        "endpoint_name": "n",
    }


async def test_members_come_change_and_go() -> None:
    async with zookeeper() as fake:
        fake.put("/nerve", "")
        fake.put("/nerve/web", "no JSON")
        fake.put("/nerve/web/a", _nerve("a"))
        fake.put("/elsewhere", _nerve("never"))
        nerve, around, _ = mechanism("nerve", servers=(fake.address,), paths=("/nerve/",))
        async with running(nerve) as emissions:

            def hosts() -> list[str]:
                return [one["__meta_nerve_endpoint_host"] for one in emissions.targets]

            await emissions.next()
            assert hosts() == ["a"]
            assert emissions.targets[0]["__meta_nerve_path"] == "/nerve/web/a"
            fake.put("/nerve/web/b", _nerve("b"))
            await until(lambda: hosts() == ["a", "b"])
            fake.put("/nerve/web/a", _nerve("a2"))
            await until(lambda: hosts() == ["a2", "b"])
            fake.put("/nerve/web/b", "broken")
            await until(lambda: hosts() == ["a2"])
            fake.put("/nerve/web/b", _nerve("b3"))
            await until(lambda: hosts() == ["a2", "b3"])
            fake.remove("/nerve/web/a")
            await until(lambda: hosts() == ["b3"])
        assert not around.progress.failing


async def test_a_change_is_asked_for_where_it_happened_only() -> None:
    async with zookeeper() as fake:
        fake.put("/nerve")
        for number in range(50):
            fake.put(f"/nerve/{number}", _nerve(f"h{number}"))
        nerve, _, _ = mechanism("nerve", servers=(fake.address,), paths=("/nerve",))
        async with running(nerve) as emissions:
            await emissions.next()
            assert len(emissions.targets) == 50
            fake.asked.clear()
            fake.put("/nerve/7", _nerve("seven"))
            (group,) = await emissions.next()
            assert group.targets == ("seven:80",)
            assert fake.asked == [(_GET_DATA, "/nerve/7"), (8, "/nerve/7")]


async def test_a_path_that_does_not_exist_yet_is_waited_for() -> None:
    async with zookeeper() as fake:
        nerve, _, _ = mechanism("nerve", servers=(fake.address,), paths=("/later",))
        async with running(nerve) as emissions:
            assert await emissions.next() == []
            fake.put("/later", _nerve("now"))
            await until(lambda: len(emissions.targets) == 1)
            fake.remove("/later")
            await until(lambda: emissions.targets == [])
            fake.put("/later", _nerve("again"))
            await until(lambda: len(emissions.targets) == 1)


async def test_without_a_session_what_was_found_stays_until_the_next_one() -> None:
    async with zookeeper() as fake:
        fake.put("/nerve")
        for name in "ab":
            fake.put(f"/nerve/{name}", _nerve(name))
        nerve, around, clock = mechanism("nerve", servers=(fake.address,), paths=("/nerve",))
        async with running(nerve) as emissions:
            await emissions.next()
            fake.drop_all()
            await until(lambda: around.progress.failing)
            assert "session" in around.progress.error
            assert len(emissions.targets) == 2
            del fake.nodes["/nerve/a"]  # while nobody was looking
            fake.put("/nerve/c", _nerve("c"))
            await clock.advance(10)
            await emissions.next()
            hosts = [one["__meta_nerve_endpoint_host"] for one in emissions.targets]
            assert hosts == ["b", "c"]
            assert fake.sessions == 2


async def test_a_server_that_is_not_there_is_one_error(caplog: pytest.LogCaptureFixture) -> None:
    nerve, around, clock = mechanism("nerve", servers=("127.0.0.1:1",), paths=("/p",))
    async with running(nerve):
        await until(lambda: around.progress.failing)
        for _ in range(3):
            await clock.advance(10)
            await asyncio.sleep(0.01)
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1
    assert "127.0.0.1:1" in around.progress.error


async def test_a_tree_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ZOOKEEPER_NODES_MAX", 10)
    async with zookeeper() as fake:
        fake.put("/nerve")
        for number in range(11):
            fake.put(f"/nerve/{number}", _nerve("h"))
        nerve, around, _ = mechanism("nerve", servers=(fake.address,), paths=("/nerve",))
        async with running(nerve):
            await until(lambda: around.progress.failing)
    assert "more than 10 nodes" in around.progress.error


_WELCOME = struct.pack(">iiiqi", 36, 0, 10_000, 1, 16) + bytes(16)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "0 bytes read"),
        (struct.pack(">i", 1 << 30), "a message of 1073741824 bytes"),
        (struct.pack(">iii", 8, 0, 0), "refused"),
        (_WELCOME, "session"),
        (_WELCOME + struct.pack(">i", 1 << 30), "a message of 1073741824 bytes"),
        (_WELCOME + struct.pack(">ih", 2, 0), "session is over"),
        (_WELCOME + struct.pack(">iiqi", 16, 1, 0, -4), "error -4"),
        (_WELCOME + struct.pack(">iiqii", 20, 1, 0, 0, 99), "an answer that is none"),
    ],
)
async def test_a_server_that_lies_is_one_error(said: bytes, message: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(said[:40])
        if len(said) > 40:
            await reader.read(4096)
            writer.write(said[40:])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(DiscoveryError, match=message):
            async with ZooKeeper(f"127.0.0.1:{port}", timeout_seconds=5) as session:
                await session.data("/p")
