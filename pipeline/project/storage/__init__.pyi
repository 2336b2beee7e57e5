from . import backup_files, schema
from .artefacts import Artefacts, name_of
from .backup_files import Backup, Contents, Listed, backups, local_time, without_log
from .connection import now
from .database import ARTEFACTS, CLIPS, DATABASE, WAIT, Project
from .filesystem import sync_folder
from .jobs import job_lock
from .locks import StoreLock
from .rows import checked, listed, mapped, short_line

__all__ = [
    "ARTEFACTS",
    "CLIPS",
    "DATABASE",
    "WAIT",
    "Artefacts",
    "Backup",
    "Contents",
    "Listed",
    "Project",
    "StoreLock",
    "backup_files",
    "backups",
    "checked",
    "job_lock",
    "listed",
    "local_time",
    "mapped",
    "name_of",
    "now",
    "schema",
    "short_line",
    "sync_folder",
    "without_log",
]
