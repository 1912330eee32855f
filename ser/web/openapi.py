"""The OpenAPI 3.1 document of the HTTP API."""

from collections.abc import Sequence
from typing import Any

from ser.inference.reference import MAX_CLIP_SECONDS, MAX_CLIPS
from ser.timeline import TIMELINE_FORMS
from ser.timeline.captions import MAX_BYTES, MAX_CUES
from ser.web.answering.form import RAW_TYPES
from ser.web.answering.options import CHANNELS, FORMATS
from ser.web.answering.rendering import WARNINGS_HEADER
from ser.web.answering.schemas import REFERENCE_TEXT, object_of, ref, schemas
from ser.web.errors import ERRORS
from ser.web.request_log import ID_HEADER
from ser.web.settings import (
    CHANNELS_FIELD,
    CUES_FIELD,
    FIELD,
    FORMAT_FIELD,
    MAX_FILES,
    MAX_FORM_PARTS,
    REFERENCE_FIELD,
    Settings,
)

_UPLOAD_ERRORS = [code for code in ERRORS if code not in ("not_found", "method_not_allowed")]
_FILE = {"type": "string", "format": "binary"}
_FILES = {
    "description": "One file, or several: then the answer has `results`, one for each",
    "anyOf": [_FILE, {"type": "array", "items": _FILE, "minItems": 1, "maxItems": MAX_FILES}],
}
_REFERENCES = {
    "type": "array",
    "description": f"Files of the speaker in a neutral voice; {MAX_CLIP_SECONDS:g} s of each count",
    "items": _FILE,
    "minItems": 1,
    "maxItems": MAX_CLIPS,
}
_CUES = _FILE | {
    "description": (
        f"Captions of the file, SubRip or WebVTT, up to {MAX_BYTES:,} bytes and {MAX_CUES:,} "
        "cues: the answer has the emotion of each"
    )
}
_OPTIONS = {
    FORMAT_FIELD: {
        "type": "string",
        "enum": list(FORMATS),
        "description": "Of the answer; without it, the `Accept` header counts",
    },
    CHANNELS_FIELD: {
        "type": "string",
        "enum": list(CHANNELS),
        "description": "`mix`, the default, or `separate`: an answer for each channel",
    },
}
_AUDIO = "audio/*, video/*, application/octet-stream"
_CONTENTS = {
    CUES_FIELD: "application/x-subrip, text/vtt",
    FORMAT_FIELD: "text/plain",
    CHANNELS_FIELD: "text/plain",
}


def describe(
    settings: Settings, labels: Sequence[str], *, takes_reference: bool = False
) -> dict[str, Any]:
    """Return the OpenAPI document of an app.

    Args:
        settings: of the app.
        labels: of its model.
        takes_reference: whether the model takes a reference.
    """
    page: dict[str, Any] = {FIELD: _FILE}
    if takes_reference:
        text = REFERENCE_TEXT | {"description": "What `POST /reference` answered"}
        page[REFERENCE_FIELD] = {"anyOf": [_REFERENCES, text]}
    upload = page | {FIELD: _FILES, CUES_FIELD: _CUES, **_OPTIONS}
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
            "/predict": {"post": _predict(upload)},
            "/reference": {
                "post": _post(
                    "How a speaker sounds in a neutral voice, as a text that the field "
                    f"`{REFERENCE_FIELD}` of `/predict` takes in place of files"
                    + ("" if takes_reference else "; this model takes none: always 400"),
                    _json(ref("Reference")),
                    {REFERENCE_FIELD: _REFERENCES},
                )
            },
            "/": {
                "get": _get("The page", {"text/html": _TEXT}),
                "post": _post("The page with the answer for a file", {"text/html": _TEXT}, page),
            },
            "/health": {"get": _get("Whether the process is alive", _json(_status("ok")))},
            "/ready": {
                "get": _get(
                    "Whether the model is ready",
                    _json(_status("ready")),
                    errors=("not_ready", "shutting_down"),
                )
            },
            "/model": {"get": _get("The model's metadata and scores", _json(ref("Model")))},
            "/model/card": {"get": _get("The model card", {"text/plain": _TEXT})},
            "/metrics": {"get": _get("Metrics for Prometheus", {"text/plain": _TEXT})},
            "/openapi.json": {"get": _get("This document", _json({"type": "object"}))},
        },
        "components": {
            "schemas": schemas(labels),
            "headers": {
                "RequestId": {
                    "description": "The request's own id if it is plain, else a new one",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
                },
                "Warnings": {
                    "description": "The warnings, and `truncated`, of an answer that is not JSON",
                    "schema": {"type": "string"},
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


def _predict(upload: dict[str, Any]) -> dict[str, Any]:
    names = ("Answer", "ChannelsAnswer", "Results")
    content = _json({"anyOf": [ref(name) for name in names]})
    content |= {form.media_type: _TEXT for form in TIMELINE_FORMS.values()}
    described = _post("The emotion of a file, or of several", content, upload, raw=True)
    described["parameters"] = [
        {"name": name, "in": "query", "schema": schema} for name, schema in _OPTIONS.items()
    ]
    described["responses"]["200"]["headers"][WARNINGS_HEADER] = {
        "$ref": "#/components/headers/Warnings"
    }
    return described


def _post(
    summary: str, content: dict[str, Any], fields: dict[str, Any], *, raw: bool = False
) -> dict[str, Any]:
    """Describe an address that takes a form; its first field is required.

    Args:
        raw: whether it takes a file as the raw body, too.
    """
    form = {
        "schema": {
            "type": "object",
            "properties": fields,
            "required": [next(iter(fields))],
            "maxProperties": MAX_FORM_PARTS,
        },
        "encoding": {name: {"contentType": _CONTENTS.get(name, _AUDIO)} for name in fields},
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
                "content": _json(ref("Error")) | {"text/html": _TEXT},
            },
        )
        separator = "; " if response["description"] else ""
        response["description"] = f"{response['description']}{separator}`{code}`: {meaning}"
        if status == 503:
            response["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return responses


def _status(word: str) -> dict[str, Any]:
    return object_of({"status": {"const": word}})


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
