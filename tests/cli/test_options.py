"""An option that would have no effect is a usage error, in every way to use a command."""

import pytest

from ser.cli import evaluate, train

#: Options with a value that is not their default.
EVALUATE = {
    "--protocol": ["actors5"], "--epochs": ["3"], "--seed": ["1"], "--seeds": ["5"],
    "--jobs": ["7"], "--corruptions": [], "--long-audio": [], "--report": ["r"],
    "--results": ["r"], "--table": ["t.md"], "--short-table": ["s.md"], "--against": ["r"],
    "--into": ["m.h5"], "--tested-before": ["7"], "--emotions": ["2"], "--sex": ["male"],
    "--balance": [], "--no-balance": [], "--augment": ["noise"],
}  # fmt: skip
WAYS = {
    "a model file": (["m.skops", "--data", "d"], {"--report", "--against"}),
    "--all": (
        ["--all", "--data", "d"],
        {"--epochs", "--seeds", "--jobs", "--results", "--table", "--short-table"},
    ),
    "a comparison": (["a", "--against", "b"], set()),
    "the scores of an evaluation": (["a.json", "--into", "m.h5"], {"--against"}),
    "a recipe": (
        ["svc-180", "--data", "d", "--protocol", "actors5"],
        set(EVALUATE) - {"--results", "--table", "--short-table"},
    ),
}
# What makes another way of a command, or is in the command already.
OTHER_WAY = {"--against", "--into", "--protocol"}


@pytest.mark.parametrize("way", WAYS)
def test_what_evaluate_refuses(way, capsys):
    command, taken = WAYS[way]
    for option in taken - OTHER_WAY:
        evaluate.parse([*command, option, *EVALUATE[option]])
    refused = set(EVALUATE) - taken - set(command)
    assert refused
    for option in refused:
        with pytest.raises(SystemExit) as ended:
            evaluate.parse([*command, option, *EVALUATE[option]])
        written = "--balance" if option == "--no-balance" else option
        said = capsys.readouterr().err
        assert (ended.value.code, f"error: {written}: not for {way}\n" in said) == (2, True), said


def test_all_of_them_are_named(capsys):
    with pytest.raises(SystemExit):
        evaluate.parse(
            ["m.skops", "--data", "d", "--corruptions", "--tested-before", "7", "--augment", "x"]
        )
    said = capsys.readouterr().err
    assert "error: --corruptions, --tested-before, --augment: not for a model file\n" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "m.h5", "--balance"], "--balance: not for a training with --from"),
        (["--from", "m.h5", "--no-balance"], "--balance: not for a training with --from"),
        (["--from", "m.h5", "--epochs", "3"], "--epochs: not for a training with --from"),
        (["--even-if-worse"], "--even-if-worse: not for a training from scratch"),
    ],
)
def test_what_train_refuses(options, words, capsys):
    command = ["conv1d-frames", "--data", "d", "--out", "o.h5"]
    with pytest.raises(SystemExit) as ended:
        train.parse([*command, *options])
    assert ended.value.code == 2
    assert f"error: {words}\n" in capsys.readouterr().err


def test_what_train_takes():
    command = ["conv1d-frames", "--data", "d", "--out", "o.h5"]
    both = ["--seed", "1", "--report", "r", "--emotions", "2", "--sex", "male", "--augment", "x"]
    train.parse([*command, *both, "--epochs", "3", "--balance"])
    train.parse([*command, *both, "--from", "m.h5", "--even-if-worse"])
