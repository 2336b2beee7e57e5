"""export.json: what makes a folder a finished export. Written last, and with a check sum of itself."""

import hashlib
import json
from typing import Any

from rainclean.dataset import REPORT

__all__ = ["REPORT", "digest_of", "write_report"]


def digest_of(report: dict[str, Any]) -> str:
    """SHA-256 over everything in a report but its own digest."""
    rest = {key: value for key, value in report.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write_report(report: dict[str, Any]) -> bytes:
    """A report as the bytes of export.json."""
    whole = {**report, "digest": digest_of(report)}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()
