"""The OpenAPI 3.1 document of the HTTP API."""

from collections.abc import Sequence
from typing import Any

from ser.errors import WARNINGS
from ser.labels import arousal_valence_of
from ser.web.errors import ERRORS
from ser.web.request_log import ID_HEADER
from ser.web.settings import FIELD, MAX_FORM_PARTS, Settings
from ser.web.upload import RAW_TYPES

_UPLOAD_ERRORS = [code for code in ERRORS if code not in ("not_found", "method_not_allowed")]
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_COORDINATE = {"type": "number", "minimum": -1, "maximum": 1}
_SECONDS = {"type": "number", "minimum": 0}


def describe(settings: Settings, labels: Sequence[str]) -> dict[str, Any]:
    """Return the OpenAPI document of an app with these settings and a model of these labels."""
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
            "/predict": {"post": _post("The emotion of a file", _json(_ref("Answer")), files=True)},
            "/": {
                "get": _get("The page", {"text/html": _TEXT}),
                "post": _post("The page with the answer for a file", {"text/html": _TEXT}),
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


def _post(summary: str, content: dict[str, Any], *, files: bool = False) -> dict[str, Any]:
    form = {
        "schema": {
            "type": "object",
            "properties": {FIELD: {"type": "string", "format": "binary"}},
            "required": [FIELD],
            "maxProperties": MAX_FORM_PARTS,
        },
        "encoding": {FIELD: {"contentType": "audio/*, video/*, application/octet-stream"}},
    }
    body = {"multipart/form-data": form}
    if files:
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
                "model": _object({"name": _STRING, "version": _STRING}),
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
                "scores": {"type": "object"},
            },
            "required": ["name", "version", "labels", "licence", "features", "scores"],
        },
    }


_STRING = {"type": "string"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _status(word: str) -> dict[str, Any]:
    return _object({"status": {"const": word}})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
