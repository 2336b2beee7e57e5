"""Recipes of what people made, as they come from other projects: checked, and written as this rainclean writes them."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Self

from pipeline.project.documents import AnalysisSettings, StoredRecipe
from pipeline.project.model import StoredCandidate
from rainclean.candidates import RULES_VERSION, Recipe
from rainclean.errors import RaincleanError

_HASH = re.compile(r"[0-9a-f]{16}")
_PICTURE = re.compile(r"[0-9a-f]{64}\.png")

MAX_LAYERS = 1000


@dataclass(frozen=True)
class MadeRecipe:
    """Recipe of a candidate that a person made, and the settings of the analysis that it is stored in."""

    recipe: StoredRecipe
    settings: AnalysisSettings

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return str(self.recipe.document["name"])

    @property
    def hash(self) -> str:
        """Hash of the recipe, 16 hexadecimal digits."""
        return str(self.recipe.document["hash"])


@dataclass(frozen=True)
class Part:
    """A candidate by its content, the same in every project.

    Attributes:
        recipe: Hash of its recipe.
        picture: Artefact.
    """

    recipe: str
    picture: str

    @classmethod
    def from_candidate(cls, candidate: StoredCandidate) -> Self:
        """Return the content of a candidate."""
        return cls(candidate.recipe_hash, candidate.picture)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return what `to_json` gave. Raises ValueError for anything else."""
        _check_object(document, {"recipe", "picture"})
        return cls(document["recipe"], document["picture"])

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"recipe": self.recipe, "picture": self.picture}


@dataclass(frozen=True)
class PaintedLayer:
    """A layer of a composite.

    Attributes:
        part: The candidate that was painted with.
        shapes: What `Shape.to_json` gave.
        feather: Px by which its joins are softened.
    """

    part: Part
    shapes: tuple[dict[str, Any], ...]
    feather: float

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return what `to_json` gave. Raises RaincleanError or ValueError for anything else."""
        from rainclean.compositing import Layer, Shape

        _check_object(document, {"recipe", "picture", "shapes", "feather"})
        listed = isinstance(document["shapes"], list) and type(document["feather"]) in (int, float)
        _check(listed, "a layer has no shapes, or no feather")
        shapes = tuple(Shape.from_json(shape) for shape in document["shapes"])
        Layer("", document["recipe"], shapes, float(document["feather"]))
        part = Part(document["recipe"], document["picture"])
        return cls(part, tuple(document["shapes"]), document["feather"])

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {**self.part.to_json(), "shapes": list(self.shapes), "feather": self.feather}


@dataclass(frozen=True)
class Composite:
    """What a composite was joined of, the same in every project.

    Attributes:
        base: What the layers lie on.
        guide: Candidate whose picture strokes and fills keep to the edges of.
        layers: In the order in which they were painted.
    """

    base: Part
    guide: Part
    layers: tuple[PaintedLayer, ...]

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return what `to_json` gave. Raises RaincleanError or ValueError for anything else."""
        _check(isinstance(document, dict), "a composite is not an object")
        _check(document.keys() == {"base", "guide", "layers"}, "a composite needs a base, a guide and layers")
        layers = document["layers"]
        _check(isinstance(layers, list) and len(layers) <= MAX_LAYERS, "layers are not a list, or too many")
        base, guide = Part.from_json(document["base"]), Part.from_json(document["guide"])
        return cls(base, guide, tuple(map(PaintedLayer.from_json, layers)))

    @classmethod
    def from_recipe(cls, document: Any) -> Self:
        """Return what the recipe of a composite joins. Raises RaincleanError or ValueError for anything else."""
        composed = isinstance(document, dict) and isinstance(document.get("composite"), dict)
        _check(composed, "recipe is not that of a composite")
        version = document.get("version")
        _check(version == RULES_VERSION, f"recipe has version {version!a} of the rules")
        return cls.from_json(document["composite"])

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        layers = [layer.to_json() for layer in self.layers]
        return {"base": self.base.to_json(), "guide": self.guide.to_json(), "layers": layers}

    def made_recipe(self) -> MadeRecipe:
        """Return its recipe and settings, as this rainclean writes them."""
        content = self.to_json()
        digest = hashlib.sha256(json.dumps([RULES_VERSION, content], sort_keys=True).encode()).hexdigest()
        joined = len({self.base, *(layer.part for layer in self.layers)})
        name = f"composite-{digest[:8]}"
        recipe = {
            "name": name,
            "words": f"composite of {joined} candidates",
            "hash": digest[:16],
            "version": RULES_VERSION,
            "composite": content,
        }
        settings = AnalysisSettings.of_recipe(name, frames=None, rules=RULES_VERSION, composite=content)
        return MadeRecipe(StoredRecipe(recipe), settings)


def kept_recipe(recipe: Recipe) -> MadeRecipe:
    """Return recipe and settings of a candidate that a person kept, as ``analyze --recipe NAME`` would write them."""
    settings = AnalysisSettings.of_recipe(recipe.name, frames=None, rules=RULES_VERSION)
    return MadeRecipe(StoredRecipe(recipe.to_json()), settings)


def read_kept(document: Any) -> MadeRecipe:
    """Read the recipe of a candidate that was kept from the slider, and return it as this rainclean writes it.

    Raises:
        RaincleanError, ValueError: The document is no such recipe.
    """
    _check(isinstance(document, dict), "recipe is not an object")
    _check(type(document.get("steady", False)) is bool, "steady is neither true nor false in the recipe")
    _check(all(type(document.get(name)) is int for name in ("frames", "stride")), "the recipe has no number of frames")
    numbers = (document.get("percentile"), document.get("offset"))
    _check(all(value is None or type(value) in (int, float) for value in numbers), "the recipe has no percentile")
    return kept_recipe(Recipe.from_json(document))


def read_composite(document: Any) -> MadeRecipe:
    """Read the recipe of a composite, and return it as this rainclean writes it.

    Raises:
        RaincleanError, ValueError: The document is no such recipe.
    """
    return Composite.from_recipe(document).made_recipe()


def composite_of(document: Any) -> Composite | None:
    """Return what a stored composite joins; None where an older rainclean imported it without a check."""
    try:
        return Composite.from_recipe(document)
    except (RaincleanError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _check_object(part: Any, keys: set[str]) -> None:
    _check(isinstance(part, dict) and part.keys() == keys, "a part of a composite has other fields")
    for key, form in (("recipe", _HASH), ("picture", _PICTURE)):
        valid = isinstance(part[key], str) and form.fullmatch(part[key]) is not None
        _check(valid, f"a part of a composite has no {key}")


def _check(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)
