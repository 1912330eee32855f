"""Sources: where a corpus is published, with the sizes and checksums of its files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A published file of a corpus.

    Attributes:
        path: its path below the corpus's folder; a ``.zip`` is unpacked there.
        size: in bytes; None if it is not published.
        checksum: as published, ``md5:…`` or ``sha256:…``; "" for none.
        pointer: address of a Git LFS pointer, which contains size and checksum; "" for none.
    """

    url: str
    path: str
    size: int | None = None
    checksum: str = ""
    pointer: str = ""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A part of a corpus that can be downloaded, such as its songs.

    Attributes:
        summary: its content and size, in words.
        files: its files that are known here.
        listing: address of the publisher's list of further files; "" for none.
        read_listing: takes the bytes of that list, returns the files.
    """

    summary: str
    files: tuple[RemoteFile, ...] = ()
    listing: str = ""
    read_listing: Callable[[bytes], list[RemoteFile]] = lambda _: []


def zenodo_files(prefix: str) -> Callable[[bytes], list[RemoteFile]]:
    """Return a reader of a Zenodo record; it keeps the files whose names begin with `prefix`."""

    def read(listing: bytes) -> list[RemoteFile]:
        return [
            RemoteFile(
                url=file["links"]["self"],
                path=file["key"],
                size=file["size"],
                checksum=file["checksum"],
            )
            for file in json.loads(listing)["files"]
            if file["key"].startswith(prefix)
        ]

    return read


def dataverse_files(server: str) -> Callable[[bytes], list[RemoteFile]]:
    """Return a reader of a Dataverse server's list of the files of a dataset."""

    def read(listing: bytes) -> list[RemoteFile]:
        files = []
        for entry in json.loads(listing)["data"]:
            file = entry["dataFile"]
            folder = entry.get("directoryLabel")
            name = file["filename"]
            files.append(
                RemoteFile(
                    url=f"{server}/api/access/datafile/{file['id']}",
                    path=f"{folder}/{name}" if folder else name,
                    size=file["filesize"],
                    checksum=f"md5:{file['md5']}",
                )
            )
        return files

    return read


def github_files(repository: str, branch: str, folder: str) -> Callable[[bytes], list[RemoteFile]]:
    """Return a reader of a GitHub tree; it keeps the files of a folder, none stored by Git LFS."""

    def read(listing: bytes) -> list[RemoteFile]:
        return [
            RemoteFile(
                url=f"https://raw.githubusercontent.com/{repository}/{branch}/{quote(path)}",
                path=path,
                size=entry["size"],
            )
            for entry in json.loads(listing)["tree"]
            if (path := entry["path"]).startswith(f"{folder}/") and entry["type"] == "blob"
        ]

    return read


def github_lfs_files(
    repository: str, branch: str, folder: str
) -> Callable[[bytes], list[RemoteFile]]:
    """Return a reader of a GitHub tree; it keeps the files of a folder, all stored by Git LFS."""

    def read(listing: bytes) -> list[RemoteFile]:
        return [
            RemoteFile(
                url=f"https://media.githubusercontent.com/media/{repository}/{branch}/{path}",
                path=path,
                pointer=f"https://raw.githubusercontent.com/{repository}/{branch}/{path}",
            )
            for entry in json.loads(listing)["tree"]
            if (path := entry["path"]).startswith(f"{folder}/")
        ]

    return read
