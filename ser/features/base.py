"""The base of feature sets: a named function of samples whose parameters are data."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ser.audio import SAMPLE_RATE
from ser.errors import InvalidSamples, ModelFileError

# What a model file stores of its feature set.
_STORED = ("name", "shape", "sample_rate", "params", "window_seconds", "hop_seconds")

# A number in a model file may be this many times larger or smaller than in the feature set.
_MAX_RATIO = 16


def check_finite(values: np.ndarray) -> None:
    """Check features that were computed from finite samples.

    Raises:
        InvalidSamples: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise InvalidSamples("the samples are so large that the features overflow")


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """A feature set, and how a clip is cut into windows for it.

    A clip of up to two windows is one window, like the corpora's clips in training. A longer
    one is cut into windows of `window_seconds`, one every `hop_seconds`.

    Attributes:
        shape: the shape of one window's features.
        compute: called as ``compute(samples, sample_rate=…, **params)``; returns an array of
            `shape`.
        params: stored in the model file, so that serving computes what training computed.
        sample_rate: of the samples that `compute` takes, in Hz.
        relative: `compute` returns frames, shape (frames, n). From each frame the mean over the
            frames is taken away; or, where it is known, the same mean of speech of this speaker
            in a neutral voice, the *reference*.
    """

    name: str
    shape: tuple[int, ...]
    compute: Callable[..., np.ndarray] = field(repr=False, compare=False)
    params: dict[str, Any]
    window_seconds: float
    hop_seconds: float
    sample_rate: int = SAMPLE_RATE
    relative: bool = False

    def extract(self, samples: np.ndarray) -> np.ndarray:
        """Return the features of one window: shape `shape`, float32, finite.

        Args:
            samples: shape (n,), float32, mono, at `sample_rate`.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
        """
        return self.extract_with_mean(samples)[0]

    def extract_with_mean(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of one window, and the mean frame that was taken away from them.

        With a reference r, the features are ``features + (mean - r)``.

        Returns:
            as `extract` returns them; and for relative features shape (n,), else (0,), float32.
        """
        features = self._compute(samples)
        if not self.relative:
            return features, np.empty(0, np.float32)
        mean = features.mean(axis=0)
        return features - mean, mean

    def _compute(self, samples: np.ndarray) -> np.ndarray:
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
        # The last window also takes the rest, which is shorter than a hop.
        return [(start, start + window) for start in starts[:-1]] + [(starts[-1], n_samples)]

    def to_metadata(self) -> dict[str, Any]:
        """Return the features as JSON data for a model file."""
        return {key: getattr(self, key) for key in _STORED} | {"shape": list(self.shape)}

    def with_metadata(self, data: dict[str, Any]) -> "FeatureSet":
        """Return this feature set with the parameters that a model file stores.

        Raises:
            ModelFileError: the parameters do not fit this feature set.
        """
        if data.keys() != set(_STORED) or data["params"].keys() != self.params.keys():
            raise ModelFileError(
                f"the parameters of feature set {self.name!r} are {sorted(_STORED)} with "
                f"params {sorted(self.params)}; the file has {data}"
            )
        if data["sample_rate"] != self.sample_rate:
            raise ModelFileError(
                f"feature set {self.name!r} takes audio at {self.sample_rate} Hz, "
                f"not {data['sample_rate']} Hz"
            )
        for key, known in _numbers(self.to_metadata()).items():
            value: Any = _numbers(data).get(key)
            if isinstance(known, list):
                if value != known:
                    raise ModelFileError(f"{key} {value!r} is not {known!r}")
                continue
            low, high = (known / _MAX_RATIO, known * _MAX_RATIO) if known > 0 else (0, _MAX_RATIO)
            # `type`, because True is an int to Python; NaN fails the comparison.
            if type(value) not in (int, float) or not low <= value <= high:
                raise ModelFileError(
                    f"{key} {value!r} is not within {low:g} to {high:g}, near the {known:g} of "
                    f"feature set {self.name!r}"
                )
        return replace(self, **data | {"shape": tuple(data["shape"])})


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers and lists in metadata by name; a huge number would take all memory."""
    named = data["params"] | {k: data[k] for k in ("window_seconds", "hop_seconds")}
    named |= {f"shape[{axis}]": size for axis, size in enumerate(data["shape"])}
    return {k: v for k, v in named.items() if not isinstance(v, str | bool | None)}
