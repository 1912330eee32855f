"""Augmentation of spectrograms: other voices, rooms, noise and microphones, drawn for each batch.

Only training clips are augmented, after the split.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ser.features.mel import mfcc

_LN_PER_DB = np.float32(np.log(10) / 10)  # power is exp(dB * _LN_PER_DB)
# Noise and babble are drawn once, because that is slow; a window gets random excerpts.
_NOISE_FRAMES = 5000
_BABBLE_CLIPS = 200
_BABBLE_VOICES = (3, 9)  # at least 3, fewer than 9
_DECAY_DB = (1.5, 7)  # per frame of 23 ms: a reverberation time of 0.2 to 0.9 s
_WET_DB = (-10, 8)  # power of the echoes, relative to the direct sound


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How each batch changes the spectrograms of training clips.

    Attributes:
        speeds: by corpus, the factors of speed perturbation: a clip is resampled, so that
            pitch, formants and tempo change together, as in another speaker.
        telephone: by corpus, the factors at which its clips also come over a telephone line.
        auxiliary: the corpus that fills `auxiliary_fraction` of each batch, whatever its size;
            "" for none.
        frames: length of a training window.
        oversampled: emotions whose clips come twice in each pass.
        tempo: a window is up to this fraction slower or faster; its pitch stays.
        shift: the spectrum moves by up to this many mel bands, up or down.
        room: probability of reverberation.
        noise: probability of coloured noise.
        snr_db: range of its signal-to-noise ratio.
        babble: probability of babble noise, several other training clips at once.
        babble_db: range of its signal-to-noise ratio.
        band: probability of a band limit, as of a codec, a telephone or a cheap microphone.
        mask: a block of frames and a block of mel bands, each up to this fraction of all, are
            set to the mean over time (SpecAugment, arXiv 1904.08779).
    """

    speeds: Mapping[str, Sequence[float]]
    frames: int
    telephone: Mapping[str, Sequence[float]] = field(default_factory=dict)
    auxiliary: str = ""
    auxiliary_fraction: float = 0.0
    oversampled: tuple[str, ...] = ()
    tempo: float = 0.0
    shift: float = 0.0
    room: float = 0.0
    noise: float = 0.0
    snr_db: tuple[float, float] = (10, 40)
    babble: float = 0.0
    babble_db: tuple[float, float] = (8, 30)
    band: float = 0.0
    mask: float = 0.0


@dataclass(frozen=True)
class SpectrogramSet:
    """The spectrograms to train on.

    Attributes:
        spectra: for each clip, one spectrogram per speed, also over the telephone; shape
            (frames, n_mels), dB.
        labels: label index of each clip.
        auxiliary: whether each clip is of the auxiliary corpus.
        oversampled: label indices of the oversampled emotions.
    """

    spectra: Sequence[Sequence[np.ndarray]]
    labels: np.ndarray
    auxiliary: np.ndarray
    oversampled: frozenset[int] = field(default_factory=frozenset)

    def only(self, rows: np.ndarray) -> "SpectrogramSet":
        """Return some of the clips, by their row numbers."""
        return replace(
            self,
            spectra=[self.spectra[i] for i in rows],
            labels=self.labels[rows],
            auxiliary=self.auxiliary[rows],
        )


def batches(
    clips: SpectrogramSet, augmentation: Augmentation, *, batch_size: int, n_mfcc: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training batches without end.

    Args:
        seed: the same seed gives the same batches.

    Yields:
        features, shape (batch_size, frames, n_mfcc), float32, and label indices,
        shape (batch_size,).
    """
    rng = np.random.default_rng(seed)
    main, auxiliary = np.flatnonzero(~clips.auxiliary), np.flatnonzero(clips.auxiliary)
    n_auxiliary = round(batch_size * augmentation.auxiliary_fraction) if len(auxiliary) else 0
    sizes = (batch_size - n_auxiliary, n_auxiliary) if len(main) else (0, batch_size)
    streams = [_row_stream(clips, rows, rng) for rows in (main, auxiliary)]
    white_noise = _white_noise(clips.spectra[0][0].shape[1], rng)
    babble_pool = (
        _babble_pool(clips, augmentation.frames, rng) if augmentation.babble else white_noise
    )
    while True:
        chosen = [next(s) for s, size in zip(streams, sizes, strict=True) for _ in range(size)]
        windows = np.stack(
            [_window(clips.spectra[i], augmentation, white_noise, babble_pool, rng) for i in chosen]
        )
        yield mfcc(windows, n_mfcc=n_mfcc), clips.labels[chosen]


def _row_stream(clips: SpectrogramSet, rows: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield row numbers without end: each pass is a new order, oversampled emotions twice."""
    extra = [row for row in rows if clips.labels[row] in clips.oversampled]
    while True:
        yield from rng.permutation([*rows, *extra]).tolist()


def _white_noise(n_mels: int, rng: np.random.Generator) -> np.ndarray:
    """Return the power of white noise in mel bands: shape (_NOISE_FRAMES, n_mels), mean 1."""
    # A higher mel band sums more bins of the spectrum, so that it fluctuates less.
    degrees = np.linspace(1, 4, n_mels, dtype=np.float32)
    return rng.standard_gamma(degrees, (_NOISE_FRAMES, n_mels), np.float32) / degrees


def _babble_pool(clips: SpectrogramSet, min_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return the power of random clips, end to end: shape (frames, n_mels), mean 1 each."""
    voices: list[np.ndarray] = []
    while len(voices) < _BABBLE_CLIPS or sum(map(len, voices)) < min_frames:
        speeds = clips.spectra[int(rng.integers(len(clips.spectra)))]
        power = np.exp(speeds[int(rng.integers(len(speeds)))] * _LN_PER_DB)
        voices.append(power / power.mean())
    return np.concatenate(voices)


def _window(
    speeds: Sequence[np.ndarray],
    augmentation: Augmentation,
    white_noise: np.ndarray,
    babble_pool: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return a window of one clip at a random speed, augmented: shape (frames, n_mels), dB."""
    mel_db = speeds[int(rng.integers(len(speeds)))]
    window = _at_tempo(mel_db, augmentation.frames, augmentation.tempo, rng)
    if augmentation.shift:
        window = _shifted(window, rng.uniform(-augmentation.shift, augmentation.shift))
    if rng.random() < augmentation.room:
        window = _in_room(window, white_noise, rng)
    if rng.random() < augmentation.noise:
        window = _mixed(
            window, _coloured(white_noise, window.shape, rng), rng.uniform(*augmentation.snr_db)
        )
    if rng.random() < augmentation.babble:
        voices = [
            _excerpt(babble_pool, len(window), rng) for _ in range(rng.integers(*_BABBLE_VOICES))
        ]
        babble = np.sum(voices, axis=0)
        window = _mixed(window, babble, rng.uniform(*augmentation.babble_db))
    if rng.random() < augmentation.band:
        window = _band_limited(window, rng)
    return _masked(window, augmentation.mask, rng) if augmentation.mask else window


def _at_tempo(
    mel_db: np.ndarray, length: int, tempo: float, rng: np.random.Generator
) -> np.ndarray:
    """Cut a window at a random start and tempo; a clip that is too short is repeated."""
    rate = 1 + rng.uniform(-tempo, tempo)
    n = max(1, int(len(mel_db) / rate))
    start = int(rng.integers(n if n < length else n - length + 1))
    frames = ((start + np.arange(length)) % n * rate).astype(int)
    return mel_db[np.minimum(frames, len(mel_db) - 1)].astype(np.float32)


def _shifted(mel_db: np.ndarray, bands: float) -> np.ndarray:
    """Move the spectrum by a number of mel bands, which need not be whole."""
    n_mels = mel_db.shape[1]
    position = np.clip(np.arange(n_mels) + bands, 0, n_mels - 1.001)
    low, weight = position.astype(int), (position % 1).astype(np.float32)
    return mel_db[:, low] * (1 - weight) + mel_db[:, low + 1] * weight


def _in_room(mel_db: np.ndarray, white_noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add reverberation: after each frame a tail of noise that decays."""
    n_frames = len(mel_db)
    decay = 10 ** (-rng.uniform(*_DECAY_DB) / 10 * np.arange(n_frames))
    decay[0] = 0  # the direct sound is no echo
    delay = np.subtract.outer(np.arange(n_frames), np.arange(n_frames))
    echoes = np.where(delay > 0, decay[delay], 0) * (10 ** (rng.uniform(*_WET_DB) / 10))
    power = np.exp(mel_db * _LN_PER_DB)
    tail = (echoes / decay.sum()).astype(np.float32) @ power
    return _to_db(power + tail * _excerpt(white_noise, n_frames, rng))


def _coloured(
    white_noise: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Return an excerpt of the noise with a random spectral tilt, as power in mel bands."""
    n_frames, n_mels = shape
    colour = 10 ** (rng.uniform(-40, 5) * np.arange(n_mels) / n_mels / 10)
    return _excerpt(white_noise, n_frames, rng) * colour.astype(np.float32)


def _excerpt(sound: np.ndarray, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return `n_frames` of a sound from a random start."""
    start = int(rng.integers(len(sound) - n_frames + 1))
    return sound[start : start + n_frames]


def _mixed(mel_db: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise, given as power in mel bands, at a signal-to-noise ratio."""
    power = np.exp(mel_db * _LN_PER_DB)
    return _to_db(power + noise * (power.mean() / noise.mean() / np.float32(10 ** (snr_db / 10))))


def _to_db(power: np.ndarray) -> np.ndarray:
    return np.log(power + np.float32(1e-10)) / _LN_PER_DB


def _band_limited(mel_db: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Attenuate the mel bands outside a random range, more with the distance from it."""
    bands = np.arange(mel_db.shape[1])
    low, high = rng.integers(len(bands) // 6), rng.integers(len(bands) // 2, len(bands))
    above = rng.uniform(3, 30) * np.maximum(0, bands - high + 1)
    below = rng.uniform(1, 15) * np.maximum(0, low - bands)
    return (mel_db - np.minimum(90, above + below)).astype(np.float32)


def _masked(mel_db: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Set a random block of mel bands, and one of frames, to the mean over time."""
    masked, mean = mel_db.copy(), mel_db.mean(axis=0)
    n_frames, n_mels = mel_db.shape
    width = int(rng.integers(max(1, int(fraction * n_mels))))
    start = int(rng.integers(n_mels - width))
    masked[:, start : start + width] = mean[start : start + width]
    width = int(rng.integers(max(1, int(fraction * n_frames))))
    start = int(rng.integers(n_frames - width))
    masked[start : start + width] = mean
    return masked
