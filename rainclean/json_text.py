"""JSON of files that people may have changed."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """What a text says. Raises ValueError for whatever is no JSON, and for what is nested too deeply to be ours."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
