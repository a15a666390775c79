"""Sizes of mounted filesystems, less those that are none to their users.

A network filesystem whose server is gone blocks whoever asks for its size, for minutes or for
good. So those are asked in a thread of their own; one that does not answer in time is reported
with `device_error` and not asked again until it has answered.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from termprom.hostmetrics.family import Family, LabelPairs, Table

_EXCLUDED_MOUNTS: Final = re.compile(
    r"/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
)
EXCLUDED_TYPES: Final = re.compile(
    r"autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660"
    r"|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs"
    r"|tracefs"
)
_NETWORK_TYPES: Final = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|fuse\..*|fuse|9p|afs|ceph|glusterfs|lustre"
)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_ANSWER_SECONDS: Final = 0.2

SIZE_COLUMNS: Final = (
    ("node_filesystem_size_bytes", "gauge", "Size of the filesystem."),
    ("node_filesystem_free_bytes", "gauge", "Bytes free, those kept for root included."),
    ("node_filesystem_avail_bytes", "gauge", "Bytes free for everybody."),
    ("node_filesystem_files", "gauge", "File nodes in all."),
    ("node_filesystem_files_free", "gauge", "File nodes free."),
    ("node_filesystem_readonly", "gauge", "1 where nothing can be written."),
    ("node_filesystem_device_error", "gauge", "1 where the filesystem did not tell its size."),
    ("node_filesystem_mount_info", "gauge", "Always 1; the labels name the device's numbers."),
)


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    device: str
    type: str
    point: str
    read_only: bool
    major: str
    minor: str


def parse_mountinfo(text: str) -> list[Mount]:
    """The mounts that count, the last one on each point. Format: proc_pid_mountinfo(5).

    Raises ValueError.
    """
    mounts: dict[str, Mount] = {}
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        _, _, numbers, _, point, options, *_ = left.split(" ")
        kind, device, super_options = right.split(" ")
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), point)
        if EXCLUDED_TYPES.fullmatch(kind) or _EXCLUDED_MOUNTS.match(point):
            continue
        major, _, minor = numbers.partition(":")
        read_only = "ro" in options.split(",") or "ro" in super_options.split(",")
        mounts[point] = Mount(device, kind, point, read_only, major, minor)
    return list(mounts.values())


class Filesystems:
    name: Final = "filesystem"

    def __init__(
        self, proc: Path, statvfs: Callable[[str], os.statvfs_result] = os.statvfs
    ) -> None:
        self._proc = proc
        self._statvfs = statvfs
        self._asked: dict[str, _Question] = {}

    def collect(self) -> list[Family]:
        """Raises OSError, ValueError."""
        table = Table(SIZE_COLUMNS)
        for mount in parse_mountinfo(self._mountinfo()):
            answer = self._ask(mount)
            error = answer if isinstance(answer, str) else ""
            labels: LabelPairs = (
                ("device", mount.device),
                ("device_error", error),
                ("fstype", mount.type),
                ("mountpoint", mount.point),
            )
            if isinstance(answer, os.statvfs_result):
                table.add(labels, sizes(answer, read_only=mount.read_only))
            table.add(labels, {"node_filesystem_device_error": int(bool(error))})
            numbers = (
                ("device", mount.device),
                ("major", mount.major),
                ("minor", mount.minor),
                ("mountpoint", mount.point),
            )
            table.add(numbers, {"node_filesystem_mount_info": 1})
        return table.families()

    def _mountinfo(self) -> str:
        """As the first process sees it: this one may live in a mount namespace of its own."""
        try:
            return (self._proc / "1" / "mountinfo").read_text(errors="replace")
        except OSError:
            return (self._proc / "self" / "mountinfo").read_text(errors="replace")

    def _ask(self, mount: Mount) -> os.statvfs_result | str:
        """The size, or why there is none."""
        question = self._asked.get(mount.point)
        if question is not None and not question.answered.is_set():
            return "mountpoint timeout"
        question = _Question(mount.point, self._statvfs)
        if not _NETWORK_TYPES.fullmatch(mount.type):
            question.ask()
            return question.answer
        self._asked[mount.point] = question
        threading.Thread(target=question.ask, name="statvfs", daemon=True).start()
        if not question.answered.wait(_ANSWER_SECONDS):
            return "mountpoint timeout"
        del self._asked[mount.point]
        return question.answer


@dataclass(slots=True)
class _Question:
    point: str
    statvfs: Callable[[str], os.statvfs_result]
    answer: os.statvfs_result | str = ""
    answered: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        try:
            self.answer = self.statvfs(self.point)
        except OSError as problem:
            self.answer = problem.strerror or str(problem)
        self.answered.set()


def sizes(stat: os.statvfs_result, *, read_only: bool) -> dict[str, float]:
    """The metrics of one filesystem."""
    return {
        "node_filesystem_size_bytes": stat.f_blocks * stat.f_frsize,
        "node_filesystem_free_bytes": stat.f_bfree * stat.f_frsize,
        "node_filesystem_avail_bytes": stat.f_bavail * stat.f_frsize,
        "node_filesystem_files": stat.f_files,
        "node_filesystem_files_free": stat.f_ffree,
        "node_filesystem_readonly": int(read_only),
    }
