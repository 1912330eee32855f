"""What a feature set is: a named function of samples, with every parameter as data."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ser.audio import SAMPLE_RATE
from ser.errors import InvalidSamples, ModelFileError

_STORED = ("name", "shape", "sample_rate", "params", "window_seconds", "hop_seconds")

# A file's sizes may be this many times larger or smaller than those of the feature set.
_SPREAD = 16


def check_finite(values: np.ndarray) -> None:
    """Raise `InvalidSamples` where what was computed of finite samples is not finite."""
    if not np.isfinite(values).all():
        raise InvalidSamples("the samples are so large that the features overflow")


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """A feature set, and how long audio is cut into windows for it.

    A clip of up to two windows is taken whole, as the corpora's clips are in
    training; a longer one becomes windows of `window_seconds`, one every `hop_seconds`.

    Attributes:
        shape: the shape of one window's features.
        compute: called as ``compute(samples, sample_rate=…, **params)``; gives an array of
            `shape`.
        params: stored in the model file, so that serving uses what training used.
    """

    name: str
    shape: tuple[int, ...]
    compute: Callable[..., np.ndarray] = field(repr=False, compare=False)
    params: dict[str, Any]
    window_seconds: float
    hop_seconds: float
    sample_rate: int = SAMPLE_RATE

    def extract(self, samples: np.ndarray) -> np.ndarray:
        """Return the features of one window: shape `shape`, float32, finite.

        Args:
            samples: shape (n,), float32, mono, at `sample_rate`.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
        """
        with np.errstate(all="ignore"):
            features = self.compute(samples, sample_rate=self.sample_rate, **self.params)
        check_finite(features)
        return features.astype(np.float32, copy=False)

    def windows(self, n_samples: int) -> list[tuple[int, int]]:
        """Return the ``(start, stop)`` of each window over a clip, in samples."""
        window = round(self.window_seconds * self.sample_rate)
        hop = round(self.hop_seconds * self.sample_rate)
        if n_samples <= 2 * window:
            return [(0, n_samples)]
        starts = range(0, n_samples - window + 1, hop)
        # The last window also takes what is left over, less than one hop.
        return [(start, start + window) for start in starts[:-1]] + [(starts[-1], n_samples)]

    def to_metadata(self) -> dict[str, Any]:
        """Return what a model file says of its features."""
        return {key: getattr(self, key) for key in _STORED} | {"shape": list(self.shape)}

    def with_metadata(self, data: dict[str, Any]) -> "FeatureSet":
        """Return this feature set with the parameters that a model file carries.

        Raises:
            ModelFileError: they are not parameters of this feature set.
        """
        if data.keys() != set(_STORED) or data["params"].keys() != self.params.keys():
            raise ModelFileError(
                f"the parameters of feature set {self.name!r} are {sorted(_STORED)} with "
                f"params {sorted(self.params)}; the file has {data}"
            )
        if data["sample_rate"] != self.sample_rate:
            raise ModelFileError(
                f"feature set {self.name!r} is of audio at {self.sample_rate} Hz, "
                f"not {data['sample_rate']} Hz"
            )
        for key, ours in _numbers(self.to_metadata()).items():
            value: Any = _numbers(data).get(key)
            if isinstance(ours, list):
                if value != ours:
                    raise ModelFileError(f"{key} {value!r} is not {ours!r}")
                continue
            low, high = (ours / _SPREAD, ours * _SPREAD) if ours > 0 else (0, _SPREAD)
            # Neither True, an int to Python, nor NaN is within bounds.
            if type(value) not in (int, float) or not low <= value <= high:
                raise ModelFileError(
                    f"{key} {value!r} is not within {low:g} to {high:g}, near the {ours:g} of "
                    f"feature set {self.name!r}"
                )
        return replace(self, **data | {"shape": tuple(data["shape"])})


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    """Return the sizes and lists in metadata of features, by name; absurd ones take all memory."""
    named = data["params"] | {k: data[k] for k in ("window_seconds", "hop_seconds")}
    named |= {f"shape[{axis}]": size for axis, size in enumerate(data["shape"])}
    return {k: v for k, v in named.items() if not isinstance(v, str | bool | None)}
