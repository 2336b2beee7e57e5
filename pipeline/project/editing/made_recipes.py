"""Recipes of what people made, as they come from other projects: checked, and written as this rainclean writes them."""

import hashlib
import json
import re
from typing import Any

from rainclean.candidates import RULES_VERSION, Recipe

_HASH = re.compile(r"[0-9a-f]{16}")
_PICTURE = re.compile(r"[0-9a-f]{64}\.png")

MOST_LAYERS = 1000


def kept(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Recipe and settings of a candidate that was kept from the slider.

    Raises RaincleanError or ValueError for what is none.
    """
    _need(isinstance(document, dict), "recipe is no object")
    _need(type(document.get("steady", False)) is bool, "a recipe is steady or not")
    _need(all(type(document.get(name)) is int for name in ("frames", "stride")), "a recipe without its frames")
    numbers = (document.get("percentile"), document.get("offset"))
    _need(all(value is None or type(value) in (int, float) for value in numbers), "a recipe without its numbers")
    recipe = Recipe.from_json(document)
    return recipe.to_json(), {"recipe": recipe.name, "frames": None, "rules": RULES_VERSION}


def composite(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Recipe and settings of a composite. Raises RaincleanError or ValueError for what is none."""
    _need(isinstance(document, dict) and isinstance(document.get("composite"), dict), "recipe is of no composite")
    _need(document.get("version") == RULES_VERSION, f"recipe is of version {document.get('version')!a} of the rules")
    content = document["composite"]
    _need(content.keys() == {"base", "guide", "layers"}, "a composite has a base, a guide and layers")
    layers = content["layers"]
    _need(isinstance(layers, list) and len(layers) <= MOST_LAYERS, "layers are a list")
    for part in (content["base"], content["guide"]):
        _check_named(part, {"recipe", "picture"})
    for layer in layers:
        _check_layer(layer)
    recipe = composite_recipe(content)
    return recipe, {"recipe": recipe["name"], "composite": content, "frames": None, "rules": RULES_VERSION}


def composite_recipe(content: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a composite, as it is stored. content: what is joined, the same in every project."""
    digest = hashlib.sha256(json.dumps([RULES_VERSION, content], sort_keys=True).encode()).hexdigest()
    joined = len({(part["recipe"], part["picture"]) for part in (content["base"], *content["layers"])})
    return {
        "name": f"composite-{digest[:8]}",
        "words": f"composite of {joined} candidates",
        "hash": digest[:16],
        "version": RULES_VERSION,
        "composite": content,
    }


def _check_layer(layer: Any) -> None:
    from rainclean.compositing import Layer, Shape

    _check_named(layer, {"recipe", "picture", "shapes", "feather"})
    _need(isinstance(layer["shapes"], list) and type(layer["feather"]) in (int, float), "a layer without shapes")
    shapes = tuple(Shape.from_json(shape) for shape in layer["shapes"])
    Layer("", layer["recipe"], shapes, float(layer["feather"]))


def _check_named(part: Any, keys: set[str]) -> None:
    _need(isinstance(part, dict) and part.keys() == keys, "a part of a composite is none")
    for key, form in (("recipe", _HASH), ("picture", _PICTURE)):
        _need(isinstance(part[key], str) and form.fullmatch(part[key]) is not None, f"a part without its {key}")


def _need(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)
