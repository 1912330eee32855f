"""The OpenAPI 3.1 document of the HTTP API."""

from collections.abc import Sequence
from typing import Any

from ser.errors import WARNINGS
from ser.inference.reference import MAX_CLIP_SECONDS, MAX_CLIPS, MAX_TEXT_BYTES
from ser.labels import arousal_valence_of
from ser.web.errors import ERRORS
from ser.web.request_log import ID_HEADER
from ser.web.settings import FIELD, MAX_FORM_PARTS, REFERENCE_FIELD, Settings
from ser.web.upload import RAW_TYPES

_UPLOAD_ERRORS = [code for code in ERRORS if code not in ("not_found", "method_not_allowed")]
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_COORDINATE = {"type": "number", "minimum": -1, "maximum": 1}
_SECONDS = {"type": "number", "minimum": 0}
_FILE = {"type": "string", "format": "binary"}
_REFERENCES = {
    "type": "array",
    "description": f"Files of the speaker in a neutral voice; {MAX_CLIP_SECONDS:g} s of each count",
    "items": _FILE,
    "minItems": 1,
    "maxItems": MAX_CLIPS,
}
_REFERENCE_TEXT = {"type": "string", "maxLength": MAX_TEXT_BYTES}


def describe(
    settings: Settings, labels: Sequence[str], *, takes_reference: bool = False
) -> dict[str, Any]:
    """Return the OpenAPI document of an app.

    Args:
        settings: of the app.
        labels: of its model.
        takes_reference: whether the model takes a reference.
    """
    upload: dict[str, Any] = {FIELD: _FILE}
    if takes_reference:
        text = _REFERENCE_TEXT | {"description": "What `POST /reference` answered"}
        upload[REFERENCE_FIELD] = {"anyOf": [_REFERENCES, text]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Speech emotion",
            "version": "1",
            "description": (
                f"Files of up to {settings.max_upload_mb:g} MB; the first "
                f"{settings.max_seconds:g} s of one are analysed. Nothing is stored."
            ),
        },
        "paths": {
            "/predict": {
                "post": _post("The emotion of a file", _json(_ref("Answer")), upload, raw=True)
            },
            "/reference": {
                "post": _post(
                    "How a speaker sounds in a neutral voice, as a text that the field "
                    f"`{REFERENCE_FIELD}` of `/predict` takes in place of files"
                    + ("" if takes_reference else "; this model takes none: always 400"),
                    _json(_ref("Reference")),
                    {REFERENCE_FIELD: _REFERENCES},
                )
            },
            "/": {
                "get": _get("The page", {"text/html": _TEXT}),
                "post": _post("The page with the answer for a file", {"text/html": _TEXT}, upload),
            },
            "/health": {"get": _get("Whether the process is alive", _json(_status("ok")))},
            "/ready": {
                "get": _get(
                    "Whether the model is ready",
                    _json(_status("ready")),
                    errors=("not_ready", "shutting_down"),
                )
            },
            "/model": {"get": _get("The model's metadata and scores", _json(_ref("Model")))},
            "/model/card": {"get": _get("The model card", {"text/plain": _TEXT})},
            "/metrics": {"get": _get("Metrics for Prometheus", {"text/plain": _TEXT})},
            "/openapi.json": {"get": _get("This document", _json({"type": "object"}))},
        },
        "components": {
            "schemas": _schemas(labels),
            "headers": {
                "RequestId": {
                    "description": "The request's own id if it is plain, else a new one",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
                },
                "RetryAfter": {
                    "description": "Seconds to wait before trying again",
                    "required": True,
                    "schema": {"type": "integer", "minimum": 1},
                },
            },
        },
    }


_TEXT = {"schema": {"type": "string"}}


def _get(summary: str, content: dict[str, Any], *, errors: Sequence[str] = ()) -> dict[str, Any]:
    return {"summary": summary, "responses": _responses(content, errors)}


def _post(
    summary: str, content: dict[str, Any], fields: dict[str, Any], *, raw: bool = False
) -> dict[str, Any]:
    """Describe an address that takes a form; its first field is required.

    Args:
        raw: whether it takes a file as the raw body, too.
    """
    contents = {"contentType": "audio/*, video/*, application/octet-stream"}
    form = {
        "schema": {
            "type": "object",
            "properties": fields,
            "required": [next(iter(fields))],
            "maxProperties": MAX_FORM_PARTS,
        },
        "encoding": dict.fromkeys(fields, contents),
    }
    body = {"multipart/form-data": form}
    if raw:
        body |= {kind: {} for kind in ("audio/*", "video/*", *RAW_TYPES)}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": body},
        "responses": _responses(content, _UPLOAD_ERRORS),
    }


def _responses(content: dict[str, Any], errors: Sequence[str]) -> dict[str, Any]:
    headers = {ID_HEADER: {"$ref": "#/components/headers/RequestId"}}
    responses: dict[str, Any] = {
        "200": {"description": "Done", "headers": headers, "content": content}
    }
    for code in errors:
        status, meaning = ERRORS[code]
        response = responses.setdefault(
            str(status),
            {
                "description": "",
                "headers": dict(headers),
                "content": _json(_ref("Error")) | {"text/html": _TEXT},
            },
        )
        separator = "; " if response["description"] else ""
        response["description"] = f"{response['description']}{separator}`{code}`: {meaning}"
        if status == 503:
            response["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return responses


def _schemas(labels: Sequence[str]) -> dict[str, Any]:
    label = {"type": "string", "enum": list(labels)}
    coordinate = _COORDINATE if arousal_valence_of(labels) else {"type": "null"}
    prediction = {
        "emotion": label,
        "confidence": _PROBABILITY,
        "probabilities": _object(dict.fromkeys(labels, _PROBABILITY)),
        "arousal": coordinate,
        "valence": coordinate,
    }
    model = _object({"name": _STRING, "version": _STRING})
    return {
        "Answer": _object(
            prediction
            | {
                "duration": _SECONDS,
                "truncated": {"type": "boolean"},
                "warnings": {
                    "type": "array",
                    "items": {"type": "string", "enum": list(WARNINGS)},
                },
                "segments": {"type": "array", "minItems": 1, "items": _ref("Segment")},
                "model": model,
                "request_id": _STRING,
            },
            # Only where the request has a reference.
            reference=_object({"seconds": _SECONDS, "used": {"type": "boolean"}}),
        ),
        "Reference": _object(
            {
                "reference": _REFERENCE_TEXT,
                "seconds": _SECONDS,
                "model": model,
                "request_id": _STRING,
            }
        ),
        "Segment": _object(
            {"start": _SECONDS, "end": _SECONDS, **prediction, "silent": {"type": "boolean"}}
        ),
        "Error": _object(
            {
                "error": _object(
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
                "takes_reference": {"type": "boolean"},
                "scores": {"type": "object"},
            },
            "required": [
                *("name", "version", "labels", "licence", "features", "takes_reference", "scores")
            ],
        },
    }


_STRING = {"type": "string"}


def _object(properties: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties | optional,
        "required": list(properties),
        "additionalProperties": False,
    }


def _status(word: str) -> dict[str, Any]:
    return _object({"status": {"const": word}})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
