"""The body of a request: a form, or one file as it is."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from ser.web.errors import ApiError, retry_later, too_large
from ser.web.settings import FIELD, MAX_FORM_PARTS, Settings

#: Content types of a raw body, beside audio/* and video/*.
RAW_TYPES = (
    "application/octet-stream",
    "binary/octet-stream",
    "application/ogg",
    "application/mp4",
    "application/mxf",
    "application/x-matroska",
)
_FORM = "multipart/form-data"
_CHUNK_BYTES = 65_536
_IN_MEMORY_BYTES = 500_000  # of a part of a form; a larger one is written to the disk


@dataclass
class Part:
    """A part of a form, or a raw body; `name` is None where there is no file name."""

    field: str
    name: str | None
    data: bytes

    @property
    def is_not_chosen(self) -> bool:
        """Whether it is what a browser sends for a field in which no file was chosen."""
        return not self.data and self.name == ""


def read_body(
    request: Request, settings: Settings, fields: Sequence[str], hint: str
) -> tuple[list[Part], list[str]]:
    """Return the parts of `fields`, and the names of all fields.

    Args:
        hint: how to send it right, for the messages.

    Raises:
        ApiError: it is neither a form nor a file, it is too large, or the disk is full.
        RequestEntityTooLarge: the whole request is too large.
    """
    kind = request.mimetype
    names: list[str] = []
    try:
        if kind == _FORM:
            parts, names = _read_form(request, fields, hint)
        elif kind.startswith(("audio/", "video/")) or kind in RAW_TYPES:
            # One read of the announced length: `get_data` reads 64 KB at a time, in four copies.
            data = request.stream.read(request.content_length or 0) + request.stream.read()
            parts = [Part(FIELD, None, data)]
        else:
            raise ApiError("bad_request", f"the content type is {kind or 'missing'}; {hint}")
    except OSError as error:
        raise retry_later("unavailable") from error
    if sum(len(part.data) for part in parts) > settings.max_upload_bytes:
        raise too_large(settings)
    return parts, names


def _read_form(request: Request, fields: Sequence[str], hint: str) -> tuple[list[Part], list[str]]:
    """Return the parts of `fields`, and the names of all fields.

    werkzeug's own parser takes a part without a file name for text, and so spoils it.
    """
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    if not boundary:
        raise ApiError("bad_request", f"a form without a boundary; {hint}")
    decoder = MultipartDecoder(boundary, max_parts=MAX_FORM_PARTS)
    names: list[str] = []
    found: list[tuple[str, str | None, IO[bytes]]] = []
    with ExitStack() as stack:
        target: IO[bytes] | None = None
        try:
            while not isinstance(event := decoder.next_event(), Epilogue):
                if isinstance(event, NeedData):
                    decoder.receive_data(request.stream.read(_CHUNK_BYTES) or None)
                elif isinstance(event, Field | File):
                    names.append(event.name or "")  # a part may have no name
                    target = None
                    if event.name in fields:
                        target = stack.enter_context(
                            tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)
                        )
                        found.append((event.name, getattr(event, "filename", None), target))
                elif isinstance(event, Data) and target is not None:
                    target.write(event.data)
        except ValueError as error:
            raise ApiError("bad_request", f"the form is broken: {error}; {hint}") from error
        parts = []
        for field, name, file in found:
            file.seek(0)
            parts.append(Part(field, name, file.read()))
        return parts, names
