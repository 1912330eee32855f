"""Fetching corpora from their publishers: resumed, checked, unpacked, recorded."""

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

#: What was fetched, in the corpus's folder: address, bytes, SHA-256, date of each file.
RECORD = "downloaded.json"
_AGENT = {"User-Agent": "speech-emotion download"}
_CHUNK = 1 << 18  # bytes
_TIMEOUT_S = 30.0
_PAUSES_S = (1, 2, 4, 8)  # before the attempts that follow one which brought nothing
_GONE = frozenset({400, 401, 403, 404, 410})  # trying again is no use
_RANGE_DONE = 416

#: Called with the bytes that are there, and with all there will be where that is known.
Progress = Callable[[int, int | None], None]


def list_files(edition: Edition) -> list[RemoteFile]:
    """Return the files of an edition, asking the publisher's list where there is one.

    Raises:
        DownloadFault: the list cannot be had, or is not what it was when this was written.
    """
    if not edition.listing:
        return list(edition.files)
    try:
        return [*edition.files, *edition.read_listing(_get(edition.listing))]
    except (KeyError, TypeError, ValueError) as error:
        raise DownloadFault(f"{edition.listing} is not the list it was: {error!r}") from error


def mirrored(edition: Edition, mirror: str) -> Edition:
    """Return an edition whose files come from a mirror: their names below its address.

    Raises:
        DownloadFault: the edition's files are known to its publisher alone.
    """
    if edition.listing:
        raise DownloadFault(f"the files of this edition are listed at {edition.listing} alone")
    base = mirror.rstrip("/")
    return replace(edition, files=tuple(replace(f, url=f"{base}/{f.path}") for f in edition.files))


def fetch(file: RemoteFile, folder: Path, *, progress: Progress = lambda *_: None) -> bool:
    """Fetch a file into a corpus's folder, taking up a transfer that was cut off.

    It is checked against the published size and checksum; where none is published, its
    SHA-256 is computed and recorded, and a later download must have the same.

    Returns:
        whether anything had to be fetched: not where the record says that it is there.

    Raises:
        DownloadFault: it cannot be had, or is not what is published.
    """
    record = _read_record(folder)
    known = record.get(file.path, {})
    if known and all((folder / name).exists() for name in known["files"]):
        return False
    if file.pointer:
        file = _with_pointer(file)
    target = folder / file.path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise DownloadFault(f"{file.path} would lie outside {folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    _transfer(file, partial, progress)
    sha256 = _check(file, partial, known)
    size = partial.stat().st_size
    names = _unpack(partial, folder, file) if target.suffix == ".zip" else _keep(partial, target)
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
    """Bring `partial` to its full length, over as many connections as it takes."""
    idle = 0
    while file.size is None or _size(partial) != file.size:
        before = _size(partial)
        reason = ""
        try:
            if _receive(file, partial, progress):
                return
            reason = "the connection was cut"
        except urllib.error.HTTPError as error:
            if error.code == _RANGE_DONE and _is_all(error.headers, partial):
                return
            if error.code == _RANGE_DONE:
                partial.unlink()
            elif error.code in _GONE:
                raise DownloadFault(f"{file.url}: {error.code} {error.reason}") from error
            reason = str(error)
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
        idle = 0 if _size(partial) > before else idle + 1
        if idle > len(_PAUSES_S):
            raise DownloadFault(f"{file.url}: {reason}; run again to resume")
        if idle:
            time.sleep(_PAUSES_S[idle - 1])


def _receive(file: RemoteFile, partial: Path, progress: Progress) -> bool:
    """Receive what one connection brings; say whether the file is then complete."""
    have, tag = _size(partial), partial.with_name(f"{partial.name}-tag")
    headers = dict(_AGENT)
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.is_file():  # a file that has changed meanwhile comes whole, not as the rest
            headers["If-Range"] = tag.read_text()
    request = urllib.request.Request(file.url, headers=headers)  # noqa: S310 - of our tables
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
        if response.status != 206:
            have = 0
            _write_tag(response.headers, tag)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else file.size
        with partial.open("ab" if have else "wb") as out:
            progress(have, total)
            while chunk := response.read(_CHUNK):
                out.write(chunk)
                have += len(chunk)
                progress(have, total)
    return total is None or have >= total


def _write_tag(headers: Message, tag: Path) -> None:
    etag = headers.get("ETag", "")
    strong = etag if not etag.startswith("W/") else ""
    if validator := strong or headers.get("Last-Modified", ""):
        tag.write_text(validator)
    else:
        tag.unlink(missing_ok=True)


def _is_all(headers: Message, partial: Path) -> bool:
    """Say whether a server that has nothing more to send names our length as the whole."""
    return headers.get("Content-Range", "") == f"bytes */{_size(partial)}"


def _check(file: RemoteFile, partial: Path, known: dict[str, Any]) -> str:
    """Compare with what is published, or was fetched before; return the SHA-256."""
    algorithm, _, digest = file.checksum.partition(":")
    sums = {name: hashlib.new(name) for name in {"sha256", algorithm or "sha256"}}
    with partial.open("rb") as read:
        while chunk := read.read(_CHUNK):
            for one in sums.values():
                one.update(chunk)
    sha256 = sums["sha256"].hexdigest()
    fault = ""
    if file.size is not None and _size(partial) != file.size:
        fault = f"{_size(partial):,} bytes; {file.size:,} are published"
    elif digest and sums[algorithm].hexdigest() != digest:
        fault = f"its {algorithm} is {sums[algorithm].hexdigest()}; published is {digest}"
    elif known and not digest and known["sha256"] != sha256:
        fault = f"its sha256 is {sha256}; it was {known['sha256']} on {known['date']}"
    if fault:
        _discard(partial)
        raise DownloadFault(f"{file.url}: {fault}; the file was thrown away")
    return sha256


def _keep(partial: Path, target: Path) -> list[str]:
    partial.replace(target)
    _discard(partial)
    return []


def _unpack(partial: Path, folder: Path, file: RemoteFile) -> list[str]:
    """Unpack into the folder, delete the archive, and return the names at its top."""
    try:
        with zipfile.ZipFile(partial) as archive:
            archive.extractall(folder)  # which keeps every name below the folder
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
    """Return the file with the size and checksum that its Git LFS pointer publishes."""
    lines = _get(file.pointer).decode("ascii", "replace").splitlines()
    facts = dict(line.split(" ", 1) for line in lines if " " in line)
    if not facts.get("oid", "").startswith("sha256:") or not facts.get("size", "").isdigit():
        raise DownloadFault(f"{file.pointer} is not a Git LFS pointer")
    return replace(file, size=int(facts["size"]), checksum=facts["oid"])


def _get(url: str) -> bytes:
    for pause in (*_PAUSES_S, None):
        try:
            request = urllib.request.Request(url, headers=_AGENT)  # noqa: S310 - of our tables
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
                return response.read()
        except (OSError, HTTPException) as error:
            code = getattr(error, "code", None)
            if pause is None or code in _GONE:
                raise DownloadFault(f"{url}: {error}") from error
        time.sleep(pause)
    raise AssertionError


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
