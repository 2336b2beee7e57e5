"""JSON documents that rows of a project keep, with what is read of them as properties.

They may come from an older rainclean, or from another project. So they are kept whole, as they were written.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class AnalysisSettings:
    """What an analysis was asked for, as the rainclean that ran it wrote it down.

    Attributes:
        document: Everything that decides on the candidates. It is kept whole: the hash is over it, and exports of
            decisions repeat it.
    """

    document: dict[str, Any]

    @classmethod
    def of_recipe(cls, recipe: str | None, *, frames: int | None, rules: int, **more: Any) -> Self:
        """Return the settings of a recipe's name, None for the sweep.

        Args:
            recipe: Name of the recipe.
            frames: How many frames were asked for at most.
            rules: Version of the rules.
            more: What else decides: versions of the sweep or of single rules; of a composite what was joined.
        """
        return cls({"recipe": recipe, "frames": frames, "rules": rules, **more})

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over the document."""
        return hashlib.sha256(json.dumps(self.document, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def recipe(self) -> str | None:
        """Name of the only recipe; None for the sweep."""
        name = self.document.get("recipe", "")
        return None if name is None else str(name)

    @property
    def is_complete(self) -> bool:
        """Whether it names a recipe, or the sweep."""
        return "recipe" in self.document


@dataclass(frozen=True)
class StoredRecipe:
    """A candidate's recipe as it was written, perhaps by an older version of the rules.

    Attributes:
        document: What `Recipe.to_json` gave then, or the recipe of a composite. It is kept whole: the hash is over it,
            and exports of decisions repeat it.
    """

    document: dict[str, Any]

    @property
    def rule(self) -> str:
        """Name of the rule. Recipes from before there were several go by a percentile."""
        return str(self.document.get("rule", "percentile"))

    @property
    def frames(self) -> int | None:
        """Number of frames; None for a composite."""
        return int(frames) if (frames := self.document.get("frames")) else None

    @property
    def label(self) -> str:
        """How a person reads it, or ""."""
        return str(self.document.get("words") or "")

    @property
    def is_composite(self) -> bool:
        """Whether a person joined it of several candidates."""
        return "composite" in self.document
