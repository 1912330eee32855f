"""Download of corpora: transfers are resumed, verified, unpacked and recorded.

Why not pooch: it deletes a partial file when a transfer fails, and starts again at byte 0.
"""

import hashlib
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ser.corpora import Edition, RemoteFile
from ser.errors import DownloadFault

#: A file in the corpus's folder that records each download: address, bytes, SHA-256, date.
RECORD = "downloaded.json"
_AGENT = {"User-Agent": "speech-emotion download"}
_CHUNK = 1 << 18  # bytes
_TIMEOUT_S = 30.0
_BACKOFF_S = (1, 2, 4, 8)  # waits before another attempt, after one that received nothing
_PERMANENT = frozenset({400, 401, 403, 404, 410})  # statuses for which a retry is useless
_RANGE_NOT_SATISFIABLE = 416

#: Called with the number of bytes received so far, and with the total, or None if unknown.
Progress = Callable[[int, int | None], None]


def list_files(edition: Edition) -> list[RemoteFile]:
    """Return the files of an edition, including those of the publisher's list.

    Raises:
        DownloadFault: the list cannot be fetched, or its format has changed.
    """
    if not edition.listing:
        return list(edition.files)
    try:
        return [*edition.files, *edition.read_listing(_get(edition.listing))]
    except (KeyError, TypeError, ValueError) as error:
        raise DownloadFault(f"{edition.listing} has an unknown format: {error!r}") from error


def mirrored(edition: Edition, mirror: str) -> Edition:
    """Return the edition with addresses on a mirror: its address and the files' names.

    Raises:
        DownloadFault: only the publisher lists the files of this edition.
    """
    if edition.listing:
        raise DownloadFault(f"a mirror has no list of the files; they are at {edition.listing}")
    base = mirror.rstrip("/")
    return replace(edition, files=tuple(replace(f, url=f"{base}/{f.path}") for f in edition.files))


def fetch(file: RemoteFile, folder: Path, *, progress: Progress = lambda *_: None) -> bool:
    """Download a file into a corpus's folder; resume an earlier transfer that was interrupted.

    The file must have the published size and checksum. Without a published checksum, its
    SHA-256 is recorded, and a later download must have the same.

    Returns:
        False if the record says that the file was downloaded and it still exists; else True.

    Raises:
        DownloadFault: the file cannot be fetched, or is not the published one.
    """
    record = _read_record(folder)
    known = record.get(file.path, {})
    if known and all((folder / name).exists() for name in known["files"]):
        return False
    if file.pointer:
        file = _with_pointer(file)
    target = folder / file.path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise DownloadFault(f"{file.path} would be written outside {folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    _transfer(file, partial, progress)
    sha256 = _verify(file, partial, known)
    size = partial.stat().st_size
    names = _unpack(partial, folder, file) if target.suffix == ".zip" else _move(partial, target)
    record = _read_record(folder) | {
        file.path: {
            "url": file.url,
            "bytes": size,
            "sha256": sha256,
            "published": file.checksum or None,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "files": names or [file.path],
        }
    }
    temporary = folder / f".{RECORD}.partial"
    temporary.write_text(json.dumps(record, indent=1) + "\n")
    temporary.replace(folder / RECORD)
    return True


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    return json.loads(path.read_text()) if path.is_file() else {}


def _transfer(file: RemoteFile, partial: Path, progress: Progress) -> None:
    """Fetch the rest of `partial`, over as many connections as are needed."""
    idle = 0
    while file.size is None or _size(partial) != file.size:
        before = _size(partial)
        reason = ""
        try:
            if _receive(file, partial, progress):
                return
            reason = "the connection was cut"
        except urllib.error.HTTPError as error:
            if error.code == _RANGE_NOT_SATISFIABLE and _is_complete(error.headers, partial):
                return
            if error.code == _RANGE_NOT_SATISFIABLE:
                partial.unlink()
            elif error.code in _PERMANENT:
                raise DownloadFault(f"{file.url}: {error.code} {error.reason}") from error
            reason = str(error)
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
        idle = 0 if _size(partial) > before else idle + 1
        if idle > len(_BACKOFF_S):
            raise DownloadFault(f"{file.url}: {reason}; run again to resume")
        if idle:
            time.sleep(_BACKOFF_S[idle - 1])


def _receive(file: RemoteFile, partial: Path, progress: Progress) -> bool:
    """Receive data over one connection; return whether the file is complete."""
    received, validator = _size(partial), partial.with_name(f"{partial.name}-tag")
    headers = dict(_AGENT)
    if received:
        headers["Range"] = f"bytes={received}-"
        if validator.is_file():  # the server sends a file that has changed from its beginning
            headers["If-Range"] = validator.read_text()
    request = urllib.request.Request(file.url, headers=headers)  # noqa: S310 - of our tables
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
        if response.status != 206:
            received = 0
            _save_validator(response.headers, validator)
        length = response.headers.get("Content-Length")
        total = received + int(length) if length else file.size
        with partial.open("ab" if received else "wb") as out:
            progress(received, total)
            while chunk := response.read(_CHUNK):
                out.write(chunk)
                received += len(chunk)
                progress(received, total)
    return total is None or received >= total


def _save_validator(headers: Message, path: Path) -> None:
    """Save what the header `If-Range` needs: a strong ETag, or else the date."""
    etag = headers.get("ETag", "")
    strong = etag if not etag.startswith("W/") else ""
    if validator := strong or headers.get("Last-Modified", ""):
        path.write_text(validator)
    else:
        path.unlink(missing_ok=True)


def _is_complete(headers: Message, partial: Path) -> bool:
    """Return whether a server without further bytes declares the length of `partial`."""
    return headers.get("Content-Range", "") == f"bytes */{_size(partial)}"


def _verify(file: RemoteFile, partial: Path, known: dict[str, Any]) -> str:
    """Compare with the published facts, or with an earlier download; return the SHA-256."""
    algorithm, _, digest = file.checksum.partition(":")
    sums = {name: hashlib.new(name) for name in {"sha256", algorithm or "sha256"}}
    with partial.open("rb") as read:
        while chunk := read.read(_CHUNK):
            for checksum in sums.values():
                checksum.update(chunk)
    sha256 = sums["sha256"].hexdigest()
    fault = ""
    if file.size is not None and _size(partial) != file.size:
        fault = f"{_size(partial):,} bytes, but {file.size:,} are published"
    elif digest and sums[algorithm].hexdigest() != digest:
        fault = f"its {algorithm} is {sums[algorithm].hexdigest()}, but {digest} is published"
    elif known and not digest and known["sha256"] != sha256:
        fault = f"its sha256 is {sha256}, but it was {known['sha256']} on {known['date']}"
    if fault:
        _discard(partial)
        raise DownloadFault(f"{file.url}: {fault}; the file was deleted")
    return sha256


def _move(partial: Path, target: Path) -> list[str]:
    partial.replace(target)
    _discard(partial)
    return []


def _unpack(partial: Path, folder: Path, file: RemoteFile) -> list[str]:
    """Unpack into the folder, delete the archive, and return its top-level names."""
    try:
        with zipfile.ZipFile(partial) as archive:
            archive.extractall(folder)  # writes nothing outside the folder
            names = sorted({name.partition("/")[0] for name in archive.namelist()})
    except zipfile.BadZipFile as error:
        _discard(partial)
        raise DownloadFault(f"{file.url} is not a zip archive: {error}") from error
    _discard(partial)
    return [name for name in names if (folder / name).exists()]


def _discard(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    partial.with_name(f"{partial.name}-tag").unlink(missing_ok=True)


def _with_pointer(file: RemoteFile) -> RemoteFile:
    """Return the file with the size and checksum from its Git LFS pointer."""
    lines = _get(file.pointer).decode("ascii", "replace").splitlines()
    facts = dict(line.split(" ", 1) for line in lines if " " in line)
    if not facts.get("oid", "").startswith("sha256:") or not facts.get("size", "").isdigit():
        raise DownloadFault(f"{file.pointer} is not a Git LFS pointer")
    return replace(file, size=int(facts["size"]), checksum=facts["oid"])


def _get(url: str) -> bytes:
    for pause in (*_BACKOFF_S, None):
        try:
            request = urllib.request.Request(url, headers=_AGENT)  # noqa: S310 - of our tables
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
                return response.read()
        except (OSError, HTTPException) as error:
            code = getattr(error, "code", None)
            if pause is None or code in _PERMANENT:
                raise DownloadFault(f"{url}: {error}") from error
        time.sleep(pause)
    raise AssertionError


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
