"""export.json: makes a folder a finished export. Written last, with a checksum of itself."""

import hashlib
import json
from typing import Any

from rainclean.dataset import REPORT

__all__ = ["REPORT", "digest_of", "write_report"]


def digest_of(report: dict[str, Any]) -> str:
    """Return the SHA-256 over everything in a report but its own digest."""
    content = {key: value for key, value in report.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_report(report: dict[str, Any]) -> bytes:
    """Return a report as the bytes of export.json."""
    whole = {**report, "digest": digest_of(report)}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()
