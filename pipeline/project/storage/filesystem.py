"""What kind of disk a project lies on: on some of them locks are only as good as the server's; and names that last."""

import os
import sys
from pathlib import Path

NETWORK = frozenset(
    {
        *(
            "9p",
            "acfs",
            "afpfs",
            "afs",
            "ceph",
            "cifs",
            "coda",
            "davfs",
            "gfs",
            "gfs2",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncpfs",
        ),
        *("nfs", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "vmhgfs"),
        *("webdav", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse"),
    }
)
"""Kinds of file system that several machines may write to, as Linux and macOS name them."""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut, where the system can be asked to."""
    if sys.platform == "win32":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def network_share(folder: Path) -> str | None:
    """Name of the kind of network share that a folder lies on; None for a local disk or where it cannot be told."""
    if sys.platform == "win32":
        return _windows_share(folder)
    place, best, kind = folder.resolve(), -1, ""
    for point, mounted in _mounts():
        # Of mounts over one another on one point the last one counts.
        if place.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), mounted
    return kind if kind in NETWORK else None


def _mounts() -> list[tuple[Path, str]]:
    """Return mount points and kinds of file system, in the order in which they were mounted."""
    import psutil  # not above: `status` shall answer at once

    try:
        return [(Path(each.mountpoint), each.fstype) for each in psutil.disk_partitions(all=True)]
    except (psutil.Error, OSError):
        return []


def _windows_share(folder: Path) -> str | None:  # pragma: no cover
    import ctypes

    drive = os.path.splitdrive(folder.resolve())[0]
    remote = 4  # DRIVE_REMOTE
    windll = getattr(ctypes, "windll")  # noqa: B009 (elsewhere than on Windows, type checkers do not know it)
    is_remote = drive.startswith("\\\\") or windll.kernel32.GetDriveTypeW(drive + "\\") == remote
    return "network drive" if is_remote else None
