"""Scalings that are read from files, and layers in front of a model."""

import json

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from ser.errors import ModelFileError, UsageError
from ser.inference.adoption.adapted_input import Scaling, adapt_input, read_scaling

MEAN, SCALE = [1.5, -2.0, 0.25], [2.0, 0.5, 4.0]


def _write(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".json":
        path.write_text(json.dumps(arrays))
    else:
        rows = [arrays.keys(), *zip(*arrays.values(), strict=True)]
        path.write_text("\n".join(",".join(map(str, row)) for row in rows))
    return path


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
@pytest.mark.parametrize("names", [("mean", "scale"), ("mean_", "scale_"), ("Mean", "std")])
def test_a_standard_scaler(suffix, names, tmp_path):
    path = _write(tmp_path / f"s{suffix}", **dict(zip(names, (MEAN, SCALE), strict=True)))
    scaling = read_scaling(path)
    assert (scaling.shift.tolist(), scaling.scale.tolist()) == (MEAN, SCALE)


def test_scalers_of_scikit_learn(tmp_path):
    x = np.random.default_rng(0).normal(5, 3, (20, 3))
    x[:, 1] = 7  # constant
    standard, minmax = StandardScaler().fit(x), MinMaxScaler().fit(x)
    files = {
        standard: {"mean": standard.mean_, "scale": standard.scale_},
        minmax: {"data_min_": minmax.data_min_, "data_max_": minmax.data_max_},
    }
    for scaler, arrays in files.items():
        scaling = read_scaling(_write(tmp_path / "s.npz", **arrays))
        np.testing.assert_allclose((x - scaling.shift) / scaling.scale, scaler.transform(x))


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=["standard", "minmax"])
def test_all_attributes_of_a_scaler(scaler, reverse, suffix, tmp_path):
    x = np.random.default_rng(0).normal(5, 3, (20, 3))
    attributes = {
        name: np.asarray(value).tolist()
        for name, value in sorted(vars(scaler.fit(x)).items(), reverse=reverse)
    }
    scaling = read_scaling(_write(tmp_path / f"s{suffix}", **attributes))
    np.testing.assert_allclose((x - scaling.shift) / scaling.scale, scaler.transform(x), atol=1e-12)


def test_a_minmax_scaler_to_another_range(tmp_path):
    x = np.random.default_rng(0).normal(5, 3, (20, 3))
    scaler = MinMaxScaler((-1, 1)).fit(x)
    arrays = {f"{n}_": vars(scaler)[f"{n}_"] for n in ("min", "data_max", "scale", "data_min")}
    scaling = read_scaling(_write(tmp_path / "s.npz", **arrays))
    np.testing.assert_allclose((x - scaling.shift) / scaling.scale, scaler.transform(x), atol=1e-12)


@pytest.mark.parametrize("names", [
    ("mean", "scale", "std"), ("mean", "mean_", "scale"), ("mean", "std", "min", "max"),
    ("min", "data_min", "max"), ("min_", "data_min_", "data_max_"), ("Max", "max", "min"),
])  # fmt: skip
def test_a_file_of_two_scalings(names, tmp_path):
    path = _write(tmp_path / "s.json", **{name: [i + 1] for i, name in enumerate(names)})
    with pytest.raises(UsageError, match="or min and max: give one of them"):
        read_scaling(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("s.pkl", "", r"a scaling is read from \.npz, \.json, \.csv; a pickle could run code"),
        ("s.json", "[1, 2]", "does not hold a scaling"),
        ("s.json", "{", "does not hold a scaling"),
        ("s.json", '{"mean": [1]}', "s.json has mean; a scaling is mean and scale"),
        ("s.json", '{"mean": ["a"], "scale": [1]}', "could not convert"),
        ("s.json", '{"mean": [1], "scale": [0]}', "its scale positive"),
        ("s.json", '{"min": [2], "max": [1]}', "its scale positive"),
        ("s.json", '{"mean": [NaN], "scale": [1]}', "must be finite"),
        ("s.json", '{"min": [1, 2], "max": [3, 4, 5]}', "does not hold a scaling"),
        (
            "s.json",
            '{"min": [1], "max": [3], "feature_range": [-1, 1]}',
            r"range is \[-1.*mean and",
        ),
        ("s.json", '{"mean": [1], "scale": [3], "with_mean": false}', r"its with_mean is \[0"),
        ("s.csv", "mean,scale\n1,2\n3\n", "does not hold a scaling"),
        ("s.csv", "", "does not hold a scaling"),
        ("s.npz", "", "does not hold a scaling"),
        ("s.npz", "PK", "does not hold a scaling"),
    ],
)
def test_files_without_a_scaling(name, content, words, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=words) as caught:
        read_scaling(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_pickle_in_an_npz_is_not_read(tmp_path):
    np.savez(tmp_path / "s.npz", mean=np.array([print], object), scale=np.ones(1))
    with pytest.raises(UsageError, match="does not hold a scaling"):
        read_scaling(tmp_path / "s.npz")


def _sequential(shape) -> dict:
    source = {"class_name": "InputLayer", "config": {"batch_shape": [None, *shape]}}
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 2}}
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [source, dense]}}


@pytest.mark.parametrize("own", [(40, 1), (None, 1)])
def test_a_model_that_fits_stays_as_it_is(own):
    assert adapt_input(_sequential(own), (40, 1), None) == _sequential(own)


@pytest.mark.parametrize("own", [(40,), (1, 40), (40, 1, 1)])
def test_axes_of_length_1_may_stand_anywhere(own):
    first, second, last = adapt_input(_sequential(own), (40, 1), None)["config"]["layers"]
    assert first["config"]["batch_shape"] == [None, 40, 1]
    assert (second["class_name"], second["config"]["target_shape"]) == ("Reshape", list(own))
    assert last["class_name"] == "Dense"


def test_an_input_that_does_not_fit():
    with pytest.raises(ModelFileError, match=r"input \(13,\), but the features have .* \(40, 1\)"):
        adapt_input(_sequential((13,)), (40, 1), None)
    with pytest.raises(ModelFileError, match=r"input \(40, 200\), but"):
        adapt_input(_sequential((40, 200)), (200, 40), None)
    with pytest.raises(UsageError, match="scaling has 3 numbers, but the features have 40"):
        adapt_input(_sequential((40,)), (40, 1), Scaling(np.ones(3), np.ones(3)))
    two = _sequential((40, 1))
    two["config"]["layers"] *= 2
    with pytest.raises(ModelFileError, match="it has 2 inputs"):
        adapt_input(two, (40, 1), None)
    none = _sequential((40, 1))
    del none["config"]["layers"][0]
    with pytest.raises(ModelFileError, match="does not say the shape of its input"):
        adapt_input(none, (40, 1), None)
