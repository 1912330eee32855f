"""Download of corpora, from a local server that fails as real ones do."""

import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ser.corpora import CORPORA, Edition, RemoteFile, scan
from ser.corpora.files import download
from ser.corpora.files.download import RECORD, fetch, list_files
from ser.errors import DownloadFault
from tests import synth
from tests.cli.test_scripts import run

CONTENT = bytes(range(256)) * 4096  # 1 MB


class Publisher:
    """A server of files by name; each connection ends after the bytes that `cuts` lists."""

    def __init__(self, **files: bytes) -> None:
        self.files, self.cuts, self.ranges = files, [], []
        self.supports_ranges, self.etag = True, '"one"'
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                content = publisher.files.get(self.path.strip("/").split("?")[0].replace(".", "_"))
                if content is None:
                    return self.send_error(404)
                wanted = self.headers.get("Range")
                publisher.ranges.append(wanted)
                start = 0
                same = self.headers.get("If-Range") in (None, publisher.etag)
                if wanted and publisher.supports_ranges and same:
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    if start >= len(content):
                        self.send_response(416)
                        self.send_header("Content-Range", f"bytes */{len(content)}")
                        return self.end_headers()
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.send_header("ETag", publisher.etag)
                self.end_headers()
                stop = start + publisher.cuts.pop(0) if publisher.cuts else None
                return self.wfile.write(content[start:stop])

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def file(self, name: str, **facts) -> RemoteFile:
        return RemoteFile(**{"url": f"{self.url}/{name}", "path": name} | facts)


@pytest.fixture
def publisher(monkeypatch):
    monkeypatch.setattr(download, "_BACKOFF_S", (0.01,) * 4)
    publisher = Publisher(clip_wav=CONTENT)
    yield publisher
    publisher.server.shutdown()
    publisher.server.server_close()


def record(folder) -> dict:
    return json.loads((folder / RECORD).read_text())


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


def test_an_interrupted_transfer_is_resumed(publisher, tmp_path):
    publisher.cuts = [300_000, 1, 500_000]
    seen = []
    file = publisher.file("clip.wav", size=len(CONTENT), checksum=md5(CONTENT))
    assert fetch(file, tmp_path, progress=lambda *at: seen.append(at))
    assert (tmp_path / "clip.wav").read_bytes() == CONTENT
    assert publisher.ranges == [None, "bytes=300000-", "bytes=300001-", "bytes=800001-"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [have for have, _ in seen] == sorted(have for have, _ in seen)
    entry = record(tmp_path)["clip.wav"]
    assert entry["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert entry["published"] == file.checksum
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.wav", RECORD]


def test_a_later_run_resumes_an_interrupted_transfer(publisher, tmp_path):
    publisher.cuts = [400_000] + [0] * 5
    with pytest.raises(DownloadFault, match="the connection was cut; run again to resume"):
        fetch(publisher.file("clip.wav"), tmp_path)
    assert not (tmp_path / "clip.wav").exists()
    publisher.ranges.clear()
    assert fetch(publisher.file("clip.wav"), tmp_path)
    assert publisher.ranges == ["bytes=400000-"]
    assert (tmp_path / "clip.wav").read_bytes() == CONTENT


def test_a_downloaded_file_is_not_fetched_again(publisher, tmp_path):
    assert fetch(publisher.file("clip.wav"), tmp_path)
    publisher.ranges.clear()
    assert not fetch(publisher.file("clip.wav"), tmp_path)
    assert publisher.ranges == []


def test_a_file_that_has_changed_is_fetched_from_its_beginning(publisher, tmp_path):
    publisher.cuts = [400_000] + [0] * 5
    with pytest.raises(DownloadFault):
        fetch(publisher.file("clip.wav"), tmp_path)
    publisher.files["clip_wav"], publisher.etag = CONTENT[::-1], '"two"'
    fetch(publisher.file("clip.wav"), tmp_path)
    assert (tmp_path / "clip.wav").read_bytes() == CONTENT[::-1]


def test_a_server_without_range_requests(publisher, tmp_path):
    publisher.cuts, publisher.supports_ranges = [300_000], False
    fetch(publisher.file("clip.wav"), tmp_path)
    assert (tmp_path / "clip.wav").read_bytes() == CONTENT


def test_a_complete_transfer_is_only_verified(publisher, tmp_path):
    (tmp_path / ".clip.wav.partial").write_bytes(CONTENT)
    assert fetch(publisher.file("clip.wav"), tmp_path)  # of unknown size: the server says so
    assert publisher.ranges == [f"bytes={len(CONTENT)}-"]
    assert (tmp_path / "clip.wav").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"checksum": md5(b"other")}, "its md5 is .*, but .* is published; the file was deleted"),
        ({"checksum": "sha256:" + "0" * 64}, "its sha256 is .*, but 000.* is published"),
        ({"size": 7}, "1,048,576 bytes, but 7 are published"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_deleted(publisher, tmp_path, facts, words):
    with pytest.raises(DownloadFault, match=words):
        fetch(publisher.file("clip.wav", **facts), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_checksum_the_first_download_counts(publisher, tmp_path):
    fetch(publisher.file("clip.wav"), tmp_path)
    assert record(tmp_path)["clip.wav"]["published"] is None
    (tmp_path / "clip.wav").unlink()
    publisher.files["clip_wav"] = CONTENT[:-1]
    with pytest.raises(DownloadFault, match=r"it was \w+ on 20"):
        fetch(publisher.file("clip.wav"), tmp_path)


def test_a_file_that_does_not_exist(publisher, tmp_path):
    with pytest.raises(DownloadFault, match=r"gone\.wav: 404"):
        fetch(publisher.file("gone.wav"), tmp_path)
    assert fetch(publisher.file("clip.wav"), tmp_path)


def test_a_path_outside_the_folder(publisher, tmp_path):
    with pytest.raises(DownloadFault, match="would be written outside"):
        fetch(publisher.file("clip.wav", path="../clip.wav"), tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_a_git_lfs_pointer_contains_the_checksum(publisher, tmp_path):
    digest = hashlib.sha256(CONTENT).hexdigest()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
    publisher.files["pointer"] = pointer.format(digest, len(CONTENT)).encode()
    address = f"{publisher.url}/pointer"
    assert fetch(publisher.file("clip.wav", pointer=address), tmp_path)
    assert record(tmp_path)["clip.wav"]["published"] == f"sha256:{digest}"
    publisher.files["pointer"] = pointer.format("0" * 64, len(CONTENT)).encode()
    with pytest.raises(DownloadFault, match=r"but 000.* is published"):
        fetch(publisher.file("clip.wav", pointer=address, path="b.wav"), tmp_path)
    publisher.files["pointer"] = b"<html>"
    with pytest.raises(DownloadFault, match="not a Git LFS pointer"):
        fetch(publisher.file("clip.wav", pointer=address, path="c.wav"), tmp_path)


ZENODO = {
    "files": [
        {"key": "Video_Song_Actor_01.zip", "size": 5, "checksum": "md5:a", "links": {"self": "u"}},
        {"key": "Audio_Song.zip", "size": 6, "checksum": "md5:b", "links": {"self": "v"}},
    ]
}
DATAVERSE = {
    "data": [
        {
            "label": "OAF_back_angry.wav",
            "directoryLabel": "OAF",
            "dataFile": {"id": 7, "filename": "OAF_back_angry.wav", "filesize": 9, "md5": "c"},
        }
    ]
}
TREE = {"tree": [{"path": "AudioWAV/1001_DFA_ANG_XX.wav"}, {"path": "README.md"}]}
PLAIN_TREE = {
    "tree": [
        {"path": "Sound Source/Sad", "type": "tree"},
        {"path": "Sound Source/Sad/7895_hl_pas.wav", "type": "blob", "size": 8},
        {"path": "Other/Sad/7895_hl_pas.wav", "type": "blob", "size": 9},
    ]
}


@pytest.mark.parametrize(
    ("corpus", "edition", "listing", "last"),
    [
        ("ravdess", "video-song", ZENODO,
         RemoteFile(url="u", path="Video_Song_Actor_01.zip", size=5, checksum="md5:a")),
        ("tess", "speech", DATAVERSE,
         RemoteFile(url="https://borealisdata.ca/api/access/datafile/7",
                    path="OAF/OAF_back_angry.wav", size=9, checksum="md5:c")),
        ("cremad", "speech", TREE,
         RemoteFile(url="https://media.githubusercontent.com/media/CheyneyComputerScience/"
                        "CREMA-D/master/AudioWAV/1001_DFA_ANG_XX.wav",
                    path="AudioWAV/1001_DFA_ANG_XX.wav",
                    pointer="https://raw.githubusercontent.com/CheyneyComputerScience/"
                            "CREMA-D/master/AudioWAV/1001_DFA_ANG_XX.wav")),
        ("turev", "speech", PLAIN_TREE,
         RemoteFile(url="https://raw.githubusercontent.com/Xeonen/TurEV-DB/master/"
                        "Sound%20Source/Sad/7895_hl_pas.wav",
                    path="Sound Source/Sad/7895_hl_pas.wav", size=8)),
    ],
)  # fmt: skip
def test_publishers_lists_of_files(publisher, corpus, edition, listing, last):
    publisher.files["list"] = json.dumps(listing).encode()
    known = CORPORA[corpus].editions[edition]
    listed = Edition(
        summary="", files=known.files, listing=f"{publisher.url}/list",
        read_listing=known.read_listing,
    )  # fmt: skip
    found = list_files(listed)
    assert found[-1] == last
    assert len(found) == len(known.files) + 1
    publisher.files["list"] = b"<html>"
    with pytest.raises(DownloadFault, match="has an unknown format"):
        list_files(listed)


def test_each_edition_has_an_address():
    for corpus in CORPORA.values():
        assert corpus.fallback or corpus.page.startswith("http")
        for edition in corpus.editions.values():
            assert edition.files or edition.listing.startswith("https://")
            for file in edition.files:
                assert file.url.startswith("http")
                assert file.checksum.partition(":")[0] in ("", "md5", "sha256")


@pytest.fixture
def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in ("03a01Fa.wav", "08a02Lb.wav", "16b10Wb.wav"):
            file.writestr(f"wav/{name}", synth.wav(synth.voice(0.5)))
        file.writestr("../outside.wav", b"x")
    return buffer.getvalue()


def test_the_script_fetches_unpacks_and_resumes(publisher, archive, tmp_path):
    publisher.files["download_zip"] = archive
    publisher.cuts = [20_000, 5_000]
    command = ["download.py", "emodb", "--to", tmp_path / "data", "--mirror", publisher.url]
    done = run(*command)
    assert done.returncode == 2
    assert "--accept-licence" in done.stderr
    done = run(*command, "--accept-licence")
    assert done.returncode == 0, done.stderr
    assert "CC0" in done.stderr
    assert done.stdout == f"emodb: 1 fetched, 0 were there, in {tmp_path / 'data' / 'emodb'}\n"
    assert publisher.ranges == [None, "bytes=20000-", "bytes=25000-"]
    found = scan([tmp_path / "data"], CORPORA)
    assert sorted(u.emotion for u in found.utterances) == ["angry", "boredom", "happy"]
    assert not (tmp_path / "outside.wav").exists()
    assert not list(tmp_path.rglob("*.zip*"))
    done = run(*command, "--accept-licence")
    assert "0 fetched, 1 were there" in done.stdout


def test_the_script_reports_errors(publisher, tmp_path):
    publisher.files["Audio_Speech_Actors_01-24_zip"] = b"not the corpus"
    to = ["--to", tmp_path, "--accept-licence", "--mirror", publisher.url]
    done = run("download.py", "ravdess", *to)
    assert (done.returncode, "14 bytes, but 208,468,073 are published" in done.stderr) == (1, True)
    for corpus, words in {
        "savee": "see http://kahlan.eps.surrey.ac.uk/savee/",
        "nonsense": "unknown corpus 'nonsense'; known: ased",
        "ravdess:film": "unknown edition of ravdess 'film'; known: song, speech, video-song",
    }.items():
        done = run("download.py", corpus, *to)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    done = run("download.py", "--list")
    assert all(c.name in done.stdout for c in CORPORA.values() if not c.fallback)
