"""The host page from a /proc of our own making, and against the real node_exporter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from termprom.clock import SystemClock
from termprom.hostmetrics.collector import HostCollector
from termprom.hostmetrics.cpu import CpuTimes
from termprom.hostmetrics.disk import Disks
from termprom.hostmetrics.family import Family
from termprom.hostmetrics.filesystem import Filesystems, parse_mountinfo
from termprom.hostmetrics.kernel import Pressure, VirtualMemory
from termprom.hostmetrics.memory import Memory
from termprom.hostmetrics.network import NetworkCounters, NetworkState
from termprom.testing.clock import ManualClock

TICKS = os.sysconf("SC_CLK_TCK")
MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=1k
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
28 27 8:1 / /mnt/my\\040disk ro,nosuid - vfat /dev/sda1 rw
29 27 0:44 / /var/lib/docker/overlay2/x rw - overlay overlay rw
30 27 0:50 / /home rw,relatime - nfs4 server:/home rw
"""
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def values(families: list[Family]) -> Values:
    return {
        (family.name, frozenset(labels)): value
        for family in families
        for labels, value in family.samples
    }


def of(found: Values, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def proc_with(tmp_path: Path, **files: str) -> Path:
    """A folder with `files`; two underscores in a name stand for a slash."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_cpu_modes_are_seconds_per_cpu(tmp_path: Path) -> None:
    line = " ".join(str(n * TICKS) for n in range(1, 11))
    proc = proc_with(tmp_path, stat=f"cpu  9 9\ncpu0 {line}\ncpu1 {line}\nintr 5 1\n")
    found = values(CpuTimes(proc).collect())
    modes = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
    assert [of(found, "node_cpu_seconds_total", cpu="1", mode=mode) for mode in modes] == [
        *range(1, 9)
    ]
    assert of(found, "node_cpu_guest_seconds_total", cpu="0", mode="nice") == 10
    assert len(found) == 2 * (8 + 2)


@pytest.mark.parametrize(
    ("second", "seen"),
    [
        pytest.param(99.5, 100.0, id="a small step back of the kernel is held"),
        pytest.param(100.5, 100.5, id="it moves on"),
        pytest.param(2.0, 2.0, id="a CPU that was replugged begins again"),
    ],
)
def test_idle_time_does_not_step_back(tmp_path: Path, second: float, seen: float) -> None:
    def stat(idle: float) -> Path:
        return proc_with(tmp_path, stat=f"cpu0 0 0 0 {int(idle * TICKS)} 0 0 0 0 0 0\n")

    cpu = CpuTimes(stat(100.0))
    cpu.collect()
    stat(second)
    assert of(values(cpu.collect()), "node_cpu_seconds_total", cpu="0", mode="idle") == seen


def test_memory_fields_keep_their_names_and_become_bytes(tmp_path: Path) -> None:
    text = "MemTotal:  10 kB\nActive(anon):  2 kB\nHugePages_Total:   7\n"
    found = values(Memory(proc_with(tmp_path, meminfo=text)).collect())
    assert found == {
        ("node_memory_MemTotal_bytes", frozenset()): 10240,
        ("node_memory_Active_anon_bytes", frozenset()): 2048,
        ("node_memory_HugePages_Total", frozenset()): 7,
    }


def test_disks_leave_partitions_out_and_read_short_lines(tmp_path: Path) -> None:
    text = (
        " 8 0 sda 1 2 3 4000 5 6 7 8000 9 10000 11000 12 13 14 15000 16 17000\n"
        " 8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n"
        " 259 0 nvme0n1 1 2 3 4000 5 6 7 8000 9 10000 11000\n"
        " 259 1 nvme0n1p1 1 1 1 1 1 1 1 1 1 1 1\n"
        " 7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"
    )
    found = values(Disks(proc_with(tmp_path, diskstats=text)).collect())
    assert {dict(labels)["device"] for _, labels in found} == {"sda", "nvme0n1"}
    assert of(found, "node_disk_read_bytes_total", device="sda") == 3 * 512
    assert of(found, "node_disk_read_time_seconds_total", device="sda") == 4
    assert of(found, "node_disk_io_time_weighted_seconds_total", device="sda") == 11
    assert of(found, "node_disk_flush_requests_time_seconds_total", device="sda") == 17
    assert ("node_disk_flush_requests_total", frozenset({("device", "nvme0n1")})) not in found


def test_network_counters_and_state(tmp_path: Path) -> None:
    numbers = " ".join(str(n) for n in range(1, 17))
    text = f"Inter-| x\n face | y\n  eth0: {numbers}\nlo:{numbers}\n"
    found = values(NetworkCounters(proc_with(tmp_path, net__dev=text)).collect())
    assert of(found, "node_network_receive_multicast_total", device="eth0") == 8
    assert of(found, "node_network_transmit_bytes_total", device="lo") == 9
    assert of(found, "node_network_transmit_compressed_total", device="eth0") == 16

    folder = proc_with(
        tmp_path / "class", eth0__operstate="up\n", eth0__mtu="1500\n", eth0__speed="1000\n",
        lo__operstate="unknown\n", lo__mtu="65536\n", bonding_masters="x",
    )  # fmt: skip
    found = values(NetworkState(folder).collect())
    assert of(found, "node_network_up", device="eth0") == 1
    assert of(found, "node_network_up", device="lo") == 0
    assert of(found, "node_network_speed_bytes", device="eth0") == 125_000_000
    assert ("node_network_speed_bytes", frozenset({("device", "lo")})) not in found


def test_vmstat_and_pressure(tmp_path: Path) -> None:
    proc = proc_with(
        tmp_path,
        vmstat="nr_free_pages 5\npgpgin 7\npgfault 9\noom_kill 1\n",
        pressure__cpu="some avg10=0.00 total=2500000\nfull avg10=0.00 total=1\n",
        pressure__io="some avg10=0.00 total=1000000\nfull avg10=0.00 total=500000\n",
        pressure__memory="some avg10=0.00 total=0\nfull avg10=0.00 total=0\n",
    )
    assert {name for name, _ in values(VirtualMemory(proc).collect())} == {
        "node_vmstat_pgpgin",
        "node_vmstat_pgfault",
        "node_vmstat_oom_kill",
    }
    found = values(Pressure(proc).collect())
    assert of(found, "node_pressure_cpu_waiting_seconds_total") == 2.5
    assert of(found, "node_pressure_io_stalled_seconds_total") == 0.5
    assert len(found) == 5


def test_mounts_that_are_no_filesystems_to_their_users_are_left_out() -> None:
    mounts = parse_mountinfo(MOUNTINFO)
    assert [(mount.point, mount.type, mount.read_only) for mount in mounts] == [
        ("/", "ext4", False),
        ("/mnt/my disk", "vfat", True),
        ("/home", "nfs4", False),
    ]
    assert (mounts[0].device, mounts[0].major, mounts[0].minor) == ("/dev/vda", "254", "0")


def test_a_dead_file_server_is_one_error_and_one_thread(tmp_path: Path) -> None:
    """Intent: an NFS server that is gone must not cost the page its other numbers."""
    stuck, asked = threading.Event(), list[str]()

    def statvfs(path: str) -> os.statvfs_result:
        asked.append(path)
        if path == "/home":
            stuck.wait()
        return os.statvfs("/")

    filesystems = Filesystems(proc_with(tmp_path, **{"1__mountinfo": MOUNTINFO}), statvfs)
    try:
        for _ in range(3):
            found = values(filesystems.collect())
        home = {"device": "server:/home", "fstype": "nfs4", "mountpoint": "/home"}
        error = "mountpoint timeout"
        assert of(found, "node_filesystem_device_error", **home, device_error=error) == 1
        assert asked.count("/home") == 1
        root = {"device": "/dev/vda", "fstype": "ext4", "mountpoint": "/", "device_error": ""}
        assert of(found, "node_filesystem_size_bytes", **root) > 0
    finally:
        stuck.set()
    deadline = time.monotonic() + 5
    while "node_filesystem_size_bytes" not in {
        name for name, labels in values(filesystems.collect()) if ("mountpoint", "/home") in labels
    }:
        assert time.monotonic() < deadline, "the server is back, and so must be its size"


def test_a_part_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    proc = proc_with(tmp_path, stat="cpu0 1 1 1 1\nctxt 5\n", loadavg="broken", meminfo="A: 1 kB\n")
    page = HostCollector(clock=ManualClock(), proc=proc, sys=tmp_path).render().decode()
    assert 'node_scrape_collector_success{collector="loadavg"} 0\n' in page
    assert 'node_scrape_collector_success{collector="stat"} 1\n' in page
    assert "node_context_switches_total 5\n" in page
    assert "node_time_seconds 1700000000.0\n" in page


def test_without_proc_the_page_has_the_same_core(tmp_path: Path) -> None:
    portable = HostCollector(clock=SystemClock(), proc=tmp_path / "none").render().decode()
    for name in (
        'node_cpu_seconds_total{cpu="0",mode="idle"}',
        "node_memory_MemTotal_bytes ",
        "node_memory_MemAvailable_bytes ",
        "node_load1 ",
        "node_boot_time_seconds ",
        "node_filesystem_size_bytes{",
        "node_network_receive_bytes_total{",
    ):
        assert f"\n{name}" in portable


def test_the_page_is_sound_text_format() -> None:
    page = HostCollector(clock=SystemClock()).render().decode()
    families = list(text_string_to_metric_families(page))
    assert all(family.documentation for family in families)
    names = [family.name for family in families]
    assert len(names) == len(set(names))


# --- Against the real one ---------------------------------------------------------------------

# Collectors that are not rebuilt here, and what those that are rebuilt leave out.
NOT_HERE = re.compile(
    r"go_|process_|promhttp_|node_(arp|bonding|btrfs|cpu_(core|package|scaling|frequency|info|bug"
    r"|flag|isolated|online|core)|cooling|dmi|edac|hwmon|kernel_hung|md|mdadm|netstat|nf_conntrack"
    r"|nfs|os|power|rapl|schedstat|selinux|sockstat|softnet|textfile|thermal|timex|udp|watchdog|xfs"
    r"|zfs|nvme|time_(clocksource|zone)|disk_(info|filesystem_info|device_mapper_info|ata)"
    r"|filesystem_purgeable|interrupts|ipvs|fibrechannel|infiniband|tapestats|pcidevice"
    r"|network_(address_assign|carrier|device_id|dormant|flags|iface|info|name_assign|net_dev"
    r"|protocol|receive_nohandler|transmit_queue)|dmmultipath|swap|slabinfo|zoneinfo)"
)
# The same metric of both, in samples that may differ: values, and per-run label values.
CHANGING = {"node_exporter_build_info", "node_scrape_collector_duration_seconds"}
COLLECTOR_SERIES = {"node_scrape_collector_success"}

Shape = dict[str, tuple[str, set[frozenset[tuple[str, str]]]]]


def shape(page: str) -> Shape:
    """Type and label sets of each metric, by name."""
    return {
        family.name: (
            family.type,
            {frozenset((k, v) for k, v in s.labels.items() if v) for s in family.samples},
        )
        for family in text_string_to_metric_families(page)
    }


def peer(name: str) -> str:
    folder = os.environ.get("TERMPROM_PEERS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
        "termprom-peers/root/usr/bin",
    )
    found = shutil.which(name, path=folder)
    if found is None:
        pytest.skip(f"{name} is not in {folder}")
    return found


@pytest.mark.peer
def test_names_types_and_labels_are_those_of_node_exporter(unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    # The distribution's build leaves out more mount points than the original does.
    mounts = (
        "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
    )
    process = subprocess.Popen(
        [
            peer("prometheus-node-exporter"),
            f"--web.listen-address={address}",
            f"--collector.filesystem.mount-points-exclude={mounts}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        theirs = shape(fetch(f"http://{address}/metrics"))
        ours = shape(HostCollector(clock=SystemClock()).render().decode())
    finally:
        process.terminate()
        process.wait()
    theirs = {name: seen for name, seen in theirs.items() if not NOT_HERE.match(name)}
    assert not theirs.keys() - ours.keys()
    # Fields of newer kernels, which the original has no word for yet.
    assert all(name.startswith("node_memory_") for name in ours.keys() - theirs.keys())
    for name, (kind, labels) in theirs.items():
        assert ours[name][0] == kind, name
        if name in COLLECTOR_SERIES | CHANGING:
            assert ours[name][1] <= labels or name == "node_exporter_build_info", name
        else:
            assert ours[name][1] == labels, name


def fetch(url: str) -> str:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                text: str = response.read().decode()
                return text
        except (URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
