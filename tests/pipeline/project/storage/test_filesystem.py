"""Network shares are told from local disks."""

from pathlib import Path

import pytest

from pipeline.project.storage import filesystem

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
35 21 0:42 / /mnt/share rw,relatime shared:7 - nfs4 server:/export rw,vers=4.2
36 35 8:2 / /mnt/share/local rw - ext4 /dev/sdb1 rw
37 21 0:43 / /mnt/two\\040words rw,relatime shared:8 master:2 - cifs //server/words rw
38 21 0:44 / /mnt/over rw - ext4 /dev/sdc1 rw
39 38 0:45 / /mnt/over rw - fuse.sshfs user@host: rw
a line that nobody understands
"""


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
    listed = tmp_path / "mountinfo"
    listed.write_text(MOUNTS)
    mounts = filesystem._mounts(listed)
    monkeypatch.setattr(filesystem, "_mounts", lambda: mounts)
    monkeypatch.setattr(filesystem.sys, "platform", "linux")
    assert filesystem.network_share(Path(folder)) == kind


def test_a_system_that_does_not_tell_counts_as_local(tmp_path: Path) -> None:
    assert filesystem._mounts(tmp_path / "missing") == []
    assert filesystem.network_share(tmp_path) is None
