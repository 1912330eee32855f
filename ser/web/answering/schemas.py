"""The JSON schemas of the answers, for the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from ser.errors import WARNINGS
from ser.inference.cues import NOTES
from ser.inference.reference import MAX_TEXT_BYTES
from ser.labels import arousal_valence_of
from ser.web.errors import ERRORS

REFERENCE_TEXT = {"type": "string", "maxLength": MAX_TEXT_BYTES}
_STRING = {"type": "string"}
_NULL = {"type": "null"}
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_COORDINATE = {"type": "number", "minimum": -1, "maximum": 1}
_SECONDS = {"type": "number", "minimum": 0}


def schemas(labels: Sequence[str]) -> dict[str, Any]:
    """Return the schemas of a model with these labels, by their names."""
    label = {"type": "string", "enum": list(labels)}
    coordinate = _COORDINATE if arousal_valence_of(labels) else {"type": "null"}
    prediction = {
        "emotion": label,
        "confidence": _PROBABILITY,
        "probabilities": object_of(dict.fromkeys(labels, _PROBABILITY)),
        "arousal": coordinate,
        "valence": coordinate,
    }
    model = object_of({"name": _STRING, "version": _STRING})
    answered_by = {"model": model, "request_id": _STRING}
    of_file = {
        "duration": _SECONDS,
        "truncated": {"type": "boolean"},
        "warnings": {"type": "array", "items": {"type": "string", "enum": list(WARNINGS)}},
    }
    further = {  # only where the request has a reference, or captions
        "reference": object_of({"seconds": _SECONDS, "used": {"type": "boolean"}}),
        "cues": {"type": "array", "items": ref("Cue")},
    }
    segments = {"type": "array", "minItems": 1, "items": ref("Segment")}
    number = {"channel": {"type": "integer", "minimum": 1}}
    nothing = dict.fromkeys(prediction, _NULL) | {"segments": {"type": "array", "maxItems": 0}}
    return {
        "Answer": object_of(prediction | of_file | {"segments": segments} | answered_by, **further),
        "ChannelsAnswer": object_of(
            of_file
            | {"channels": {"type": "array", "minItems": 1, "items": ref("Channel")}}
            | answered_by
        ),
        "Channel": {
            "anyOf": [
                object_of(
                    number
                    | {"silent": {"const": False}}
                    | prediction
                    | of_file
                    | {"segments": segments},
                    **further,
                ),
                object_of(
                    number | {"silent": {"const": True}} | nothing | of_file, cues=further["cues"]
                ),
            ]
        },
        "Cue": object_of(
            {"start": _SECONDS, "end": _SECONDS, "text": _STRING}
            | {name: {"anyOf": [schema, _NULL]} for name, schema in prediction.items()}
            | {"note": {"enum": [*NOTES, None]}}
        ),
        "Results": object_of(
            {
                "results": {
                    "type": "array",
                    "minItems": 2,
                    "items": {
                        "anyOf": [ref(name) for name in ("Answer", "ChannelsAnswer", "Error")]
                    },
                }
            }
        ),
        "Reference": object_of(
            {
                "reference": REFERENCE_TEXT,
                "seconds": _SECONDS,
                "model": model,
                "request_id": _STRING,
            }
        ),
        "Segment": object_of(
            {"start": _SECONDS, "end": _SECONDS, **prediction, "silent": {"type": "boolean"}}
        ),
        "Error": object_of(
            {
                "error": object_of(
                    {
                        "code": {"type": "string", "enum": list(ERRORS)},
                        "message": _STRING,
                        "request_id": _STRING,
                    }
                )
            }
        ),
        "Model": {
            "type": "object",
            "properties": {
                "name": _STRING,
                "version": _STRING,
                "labels": {"type": "array", "items": label},
                "licence": _STRING,
                "features": {"type": "object"},
                "labels_assumed": {"type": "boolean"},
                "takes_reference": {"type": "boolean"},
                "scores": {"type": "object"},
            },
            "required": [
                *("name", "version", "labels", "labels_assumed", "licence", "features"),
                *("takes_reference", "scores"),
            ],
        },
    }


def object_of(properties: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Return the schema of an object that has these properties, perhaps those, and no other."""
    return {
        "type": "object",
        "properties": properties | optional,
        "required": list(properties),
        "additionalProperties": False,
    }


def ref(name: str) -> dict[str, str]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}
