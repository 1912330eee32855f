"""Where a corpus is published, and what its publisher says of the files."""

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file that a corpus is published as.

    Attributes:
        path: where it goes below the corpus's folder; a ``.zip`` is unpacked there.
        size: in bytes; None where it is not published.
        checksum: as published, ``md5:…`` or ``sha256:…``; "" where none is.
        pointer: address of the Git LFS pointer that publishes size and checksum.
    """

    url: str
    path: str
    size: int | None = None
    checksum: str = ""
    pointer: str = ""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A edition in which a corpus is published, such as its songs.

    Attributes:
        files: what it consists of, as far as that is known here.
        listing: address of the publisher's own list of further files; "" for none.
        read_listing: from that list's bytes to the files.
    """

    summary: str
    files: tuple[RemoteFile, ...] = ()
    listing: str = ""
    read_listing: Callable[[bytes], list[RemoteFile]] = lambda _: []


def zenodo_files(prefix: str) -> Callable[[bytes], list[RemoteFile]]:
    """Return a reader of a Zenodo record: the files whose names begin with `prefix`."""

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
    """Return a reader of the list of files of a dataset on a Dataverse server."""

    def read(listing: bytes) -> list[RemoteFile]:
        found = []
        for entry in json.loads(listing)["data"]:
            file = entry["dataFile"]
            folder = entry.get("directoryLabel")
            name = file["filename"]
            found.append(
                RemoteFile(
                    url=f"{server}/api/access/datafile/{file['id']}",
                    path=f"{folder}/{name}" if folder else name,
                    size=file["filesize"],
                    checksum=f"md5:{file['md5']}",
                )
            )
        return found

    return read


def github_lfs_files(
    repository: str, branch: str, folder: str
) -> Callable[[bytes], list[RemoteFile]]:
    """Return a reader of a GitHub tree: the files of a folder that Git LFS keeps."""

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
