"""What cannot be written, or gone on from, shows before any clip is read.

The clips are not there: a command that looked for them first would say so.
"""

import pytest

from ser.cli import evaluate, explore, search, train
from ser.errors import SerError
from ser.resources import DEFAULT_MODEL
from tests.make_models import metadata, write_keras2

SVC, NETWORK, CLIPS = "svc-mfcc40", "conv1d-frames", ["--data", "gone"]
UNSEEN = ["--protocol", "actors5"]


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        (train, [SVC, "--out", "file/m.skops"], "file'"),
        (train, [SVC, "--out", "file/a/b/m.skops"], "file'"),
        (train, [SVC, "--out", "folder.skops"], "folder.skops'"),
        (train, [SVC, "--out", "m.skops", "--report", "file"], "file'"),
        (train, [SVC, "--out", "m.skops", "--epochs", "3"], "is no network: it has no --epochs"),
        (train, [NETWORK, "--out", "m.h5", "--from", "gone.h5"], "gone.h5 does not exist"),
        (train, [NETWORK, "--out", "m.h5", "--from", "file"], "file"),
        (
            train,
            [NETWORK, "--out", "m.h5", "--from", "other.h5"],
            "ser train rnn-180 --from …",
        ),
        (
            train,
            [NETWORK, "--out", "m.h5", "--from", "tree.h5"],
            "tree.h5 is of recipe 'tree-mfcc40', not 'conv1d-frames': it cannot be fine-tuned",
        ),
        (train, [NETWORK, "--out", "file/m.h5", "--from", str(DEFAULT_MODEL)], "file'"),
        (evaluate, [SVC, *UNSEEN, "--report", "file/r"], "file'"),
        (evaluate, [SVC, *UNSEEN, "--into", "gone.skops"], "gone.skops does not exist"),
        (evaluate, [SVC, *UNSEEN, "--epochs", "3"], "is no network: it has no --epochs"),
        (evaluate, [str(DEFAULT_MODEL), "--report", "file"], "file'"),
        (search, [SVC, "--out", "file"], "file'"),
        (search, [SVC, "tree-mfcc40"], "'tree-mfcc40' has no grid to search; these have: "),
        (explore, ["--out", "file/x"], "file'"),
    ],
)
def test_it_shows_at_once(command, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a text")
    (tmp_path / "folder.skops").mkdir()
    write_keras2(tmp_path / "other.h5", metadata=metadata(recipe="rnn-180"))
    write_keras2(tmp_path / "tree.h5", metadata=metadata(recipe="tree-mfcc40"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((SerError, OSError)) as raised:
        command.main([*arguments, *CLIPS])
    assert words in str(raised.value)
    assert "no such folder: gone" not in str(raised.value)
    assert sorted(tmp_path.rglob("*")) == before  # and nothing is left behind
