"""Training batches: windows of clips with other voices, rooms, noise and microphones."""

from collections.abc import Iterator, Sequence

import numpy as np

from ser.augmentation import recording, sampling
from ser.augmentation.spectrogram import Augmentation, SpectrogramSet
from ser.features.mel import RANGE_DB, mfcc

_BABBLE_CLIPS = 200  # drawn once, because that is slow; a window gets random excerpts
_BABBLE_VOICES = (3, 9)  # at least 3, fewer than 9
_REFERENCE_CLIPS = (1, 4)  # at least 1, fewer than 4
_REFERENCE_WINDOWS = 3  # a reference has frames of so many windows


def batches(
    clips: SpectrogramSet,
    augmentation: Augmentation,
    *,
    batch_size: int,
    n_mfcc: int,
    seed: int,
    relative: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training batches without end.

    Args:
        seed: the same seed gives the same batches.
        relative: whether the features are, see `ser.features.base.FeatureSet`.

    Yields:
        features, shape (batch_size, frames, n_mfcc), float32, and label indices,
        shape (batch_size,).
    """
    rng = np.random.default_rng(seed)
    streams = _row_streams(clips, augmentation, batch_size, rng)
    changes = _Changes(clips, augmentation, rng)
    neutral = clips.neutral_rows() if augmentation.reference else None
    while True:
        chosen = [next(stream) for stream, size in streams for _ in range(size)]
        drawn = [changes.draw(i, neutral[i] if neutral else ()) for i in chosen]
        x = mfcc(np.stack([window for window, _ in drawn]), n_mfcc=n_mfcc)
        if relative:
            means = x.mean(axis=1, keepdims=True)
            references = {i: ref for i, (_, ref) in enumerate(drawn) if ref is not None}
            if references:
                # The MFCCs are linear: those of the mean frame are the mean MFCCs.
                frames = np.stack([_mean_frame(reference) for reference in references.values()])
                means[list(references)] = mfcc(frames[:, np.newaxis], n_mfcc=n_mfcc)
            x -= means
        yield x, clips.labels[chosen]


def _mean_frame(mel_db: np.ndarray) -> np.ndarray:
    """Return the mean over frames, after the floor that `mfcc` puts under the spectrogram."""
    return np.maximum(mel_db, mel_db.max() - np.float32(RANGE_DB)).mean(axis=0)


def _row_streams(
    clips: SpectrogramSet, augmentation: Augmentation, batch_size: int, rng: np.random.Generator
) -> list[tuple[Iterator[int], int]]:
    """Return streams of row numbers, and how many rows of a batch are from each."""
    if augmentation.balanced and clips.corpora is not None and clips.speakers is not None:
        stream = sampling.balanced(clips.labels, clips.corpora, clips.speakers, rng)
        return [(stream, batch_size)]
    is_extra = np.isin(clips.labels, list(clips.oversampled))
    main, auxiliary = (
        sampling.passes(np.flatnonzero(of), np.flatnonzero(of & is_extra), rng)
        for of in (~clips.auxiliary, clips.auxiliary)
    )
    if clips.auxiliary.all():
        return [(auxiliary, batch_size)]
    n = round(batch_size * augmentation.auxiliary_fraction) if clips.auxiliary.any() else 0
    return [(main, batch_size - n), (auxiliary, n)]


class _Changes:
    """Draws windows of clips, augmented."""

    def __init__(
        self, clips: SpectrogramSet, augmentation: Augmentation, rng: np.random.Generator
    ) -> None:
        self._spectra, self._augmentation, self._rng = clips.spectra, augmentation, rng
        self._white_noise = recording.white_noise_power(clips.spectra[0][0].shape[1], rng)
        # A window and its reference are changed together.
        frames = augmentation.frames * (2 if augmentation.reference else 1)
        self._babble = self._babble_pool(frames) if augmentation.babble else self._white_noise

    def draw(
        self, row: int, neutral: np.ndarray | Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a window of one clip at a random speed, and a reference or None.

        Args:
            neutral: rows of clips that may be the reference.

        Returns:
            both of shape (frames, n_mels), dB.
        """
        change, rng = self._augmentation, self._rng
        speed = int(rng.integers(len(self._spectra[row])))
        window = _at_tempo(self._spectra[row][speed], change.frames, change.tempo, rng)
        if not len(neutral) or rng.random() >= change.reference:
            return self._masked(self._recorded(window)), None
        reference = self._reference(np.asarray(neutral), speed)
        both = self._recorded(np.concatenate([window, reference]))
        return self._masked(both[: len(window)]), both[len(window) :]

    def _reference(self, neutral: np.ndarray, speed: int) -> np.ndarray:
        """Return frames of some neutral clips at the speed of this number, at most a window."""
        n = min(int(self._rng.integers(*_REFERENCE_CLIPS)), len(neutral))
        length = self._augmentation.frames
        spectra = [self._spectra[i] for i in self._rng.choice(neutral, n, replace=False)]
        frames = np.concatenate([clip[min(speed, len(clip) - 1)] for clip in spectra])
        frames = frames[: _REFERENCE_WINDOWS * length]
        kept = np.linspace(0, len(frames) - 1, min(len(frames), length)).astype(int)
        return frames[kept].astype(np.float32)

    def _recorded(self, mel_db: np.ndarray) -> np.ndarray:
        """Return a spectrogram as another microphone in another room would record it."""
        change, rng = self._augmentation, self._rng
        if change.shift:
            mel_db = recording.shifted(mel_db, rng.uniform(-change.shift, change.shift))
        if rng.random() < change.room:
            mel_db = recording.in_room(mel_db, self._white_noise, rng)
        if rng.random() < change.noise:
            noise = recording.coloured(self._white_noise, mel_db.shape, rng)
            mel_db = recording.mixed(mel_db, noise, rng.uniform(*change.snr_db))
        if rng.random() < change.babble:
            n_voices = rng.integers(*_BABBLE_VOICES)
            voices = [recording.excerpt(self._babble, len(mel_db), rng) for _ in range(n_voices)]
            mel_db = recording.mixed(mel_db, np.sum(voices, axis=0), rng.uniform(*change.babble_db))
        if rng.random() < change.band:
            mel_db = recording.band_limited(mel_db, rng)
        return mel_db

    def _masked(self, window: np.ndarray) -> np.ndarray:
        fraction = self._augmentation.mask
        return _masked(window, fraction, self._rng) if fraction else window

    def _babble_pool(self, min_frames: int) -> np.ndarray:
        """Return the power of random clips, end to end: shape (frames, n_mels), mean 1 each."""
        voices: list[np.ndarray] = []
        while len(voices) < _BABBLE_CLIPS or sum(map(len, voices)) < min_frames:
            speeds = self._spectra[int(self._rng.integers(len(self._spectra)))]
            power = recording.to_power(speeds[int(self._rng.integers(len(speeds)))])
            voices.append(power / power.mean())
        return np.concatenate(voices)


def _at_tempo(
    mel_db: np.ndarray, length: int, tempo: float, rng: np.random.Generator
) -> np.ndarray:
    """Cut a window at a random start and tempo; a clip that is too short is repeated."""
    rate = 1 + rng.uniform(-tempo, tempo)
    n = max(1, int(len(mel_db) / rate))
    start = int(rng.integers(n if n < length else n - length + 1))
    frames = ((start + np.arange(length)) % n * rate).astype(int)
    return mel_db[np.minimum(frames, len(mel_db) - 1)].astype(np.float32)


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
