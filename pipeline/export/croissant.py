"""croissant.json of an export: Croissant 1.0 metadata (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html).

It describes the tables, and each column of manifest.csv as a field of the record set "pairs". Pictures are fields of
text: paths below the root.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from pipeline.export.licences import read_licence
from pipeline.export.sequence_tables import CREDITS, SEQUENCES, Credit
from rainclean import __version__
from rainclean.dataset import NAME, ManifestRow

CROISSANT = "croissant.json"

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification asks for."""

_TYPES: dict[Any, str] = {str: "sc:Text", int: "sc:Integer"}


def croissant(title: str, files: dict[str, bytes], credit: Sequence[Credit]) -> bytes:
    """Return croissant.json.

    Args:
        title: Of the data set.
        files: Content of the tables of the export, by name.
        credit: Of credits.csv.
    """
    tables = [name for name in (NAME, SEQUENCES, CREDITS) if name in files]
    licences = sorted({each.licence for each in credit} - {""})
    authors = sorted({each.author for each in credit} - {""})
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": title,
        "description": "Pairs of a rainy video frame and a clean image of the same view, for single-image deraining.",
        "keywords": ["deraining", "image restoration", "rain"],
        "citeAs": "Wang et al., Spatial Attentive Single-Image Deraining with a High Quality Real Rain Dataset, CVPR "
        "2019, doi:10.1109/CVPR.2019.01255",
        "sdVersion": __version__,
        "license": [read_licence(each).address or each for each in licences],
        "creator": [{"@type": "Person", "name": name} for name in authors],
        "distribution": [_table(name, files[name]) for name in tables],
        "recordSet": [_pairs()],
    }
    empty = [key for key in ("license", "creator") if not document[key]]
    for key in empty:
        del document[key]
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _table(name: str, content: bytes) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _pairs() -> dict[str, Any]:
    """Return the record set of manifest.csv: one record for each pair."""
    return {
        "@type": "cr:RecordSet",
        "@id": "pairs",
        "name": "pairs",
        "description": "One record for each pair. rainy, clean, exclude and confidence are paths below the root.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"pairs/{field.name}",
                "name": field.name,
                "dataType": _TYPES.get(field.type, "sc:Float"),
                "source": {"fileObject": {"@id": NAME}, "extract": {"column": field.name}},
            }
            for field in fields(ManifestRow)
        ],
    }
