"""Network shares are told from local disks."""

import sys
from pathlib import Path

import psutil
import pytest

from pipeline.project.storage import filesystem

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /mnt/share nfs4 rw,vers=4.2 0 0
/dev/sdb1 /mnt/share/local ext4 rw 0 0
//server/words /mnt/two\\040words cifs rw 0 0
/dev/sdc1 /mnt/over ext4 rw 0 0
user@host: /mnt/over fuse.sshfs rw 0 0
"""
"""As Linux lists them in /proc/self/mounts."""

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux lists")


@linux_only
@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/user/project", None),
        ("/mnt/share/rain/project", "nfs4"),
        ("/mnt/shares", None),
        ("/mnt/share/local/project", None),
        ("/mnt/two words/p", "cifs"),
        ("/mnt/over/p", "fuse.sshfs"),
    ],
)
def test_the_longest_mount_point_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, kind: str | None
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert filesystem.network_share(Path(folder)) == kind


@linux_only
def test_a_system_that_does_not_tell_counts_as_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "missing"))
    assert filesystem._mounts() == []
    assert filesystem.network_share(tmp_path) is None


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="reads what Linux lists")
def test_mounts_are_those_that_the_kernel_lists() -> None:
    listed = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    assert [kind for _, kind in filesystem._mounts()] == [after.split()[0] for _, after in listed]
