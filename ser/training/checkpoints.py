"""Training with checkpoints: after a kill it resumes, and ends with the same result."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_CHECKPOINTS = 20  # for each training


def fit(
    model: Any,
    data: Callable[[int], dict[str, Any]],
    *,
    epochs: int,
    seed: int,
    callbacks: Sequence[Any],
    folder: Path | None = None,
    identity: Any = None,
) -> dict[str, list[float]]:
    """Train a compiled Keras model, with checkpoints if `folder` is given.

    With checkpoints the epochs are divided into legs, each with its own seed. So a leg has the
    same result whether or not the same process has trained the legs before it.

    Args:
        data: takes the seed of a leg; returns the data arguments of Keras's `fit`.
        callbacks: Keras callbacks; one of them is `EarlyStopping`. They see one training, not
            legs. After a kill they get the finished epochs again, to restore their state.
        identity: plain data that identifies this training in the folder.

    Returns:
        the history: for each metric its value after each epoch.
    """
    import keras

    recorder = _make_recorder(model, callbacks, epochs)
    best = next(c for c in callbacks if isinstance(c, keras.callbacks.EarlyStopping))
    path = None if folder is None else folder / f"{_digest([identity, epochs, seed])}.npz"
    done = _load(path, model, recorder, best) if path and path.is_file() else 0
    length = epochs if path is None else -(-epochs // _CHECKPOINTS)
    for start in range(done, epochs, length):
        leg_seed = seed
        if start:
            leg_seed = int(np.random.SeedSequence([seed, start]).generate_state(1)[0])
            keras.utils.set_random_seed(leg_seed)
        recorder.snapshot_after = stop = min(start + length, epochs)
        model.fit(
            **data(leg_seed), initial_epoch=start, epochs=stop, verbose=0, callbacks=[recorder]
        )
        if path is not None and stop < epochs:
            _assign(model, recorder.snapshot)  # `fit` ends with the averaged weights
            _save(path, recorder, best)
    for callback in callbacks:
        callback.on_train_end()
    return recorder.history


def _make_recorder(model: Any, callbacks: Sequence[Any], epochs: int) -> Any:
    """Return a Keras callback that records a training and passes its epochs to `callbacks`."""
    import keras

    class Recorder(keras.callbacks.Callback):
        """Keeps the history, and the variables before `fit` averages the weights."""

        def __init__(self) -> None:
            super().__init__()
            self.history: dict[str, list[float]] = {}
            self.snapshot: list[np.ndarray] = []
            self.snapshot_after = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            for callback in callbacks:
                callback.on_epoch_begin(epoch, logs)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs)
            for key, value in (logs or {}).items():
                self.history.setdefault(key, []).append(float(value))
            if epoch + 1 == self.snapshot_after:
                self.snapshot = [np.array(v) for v in _variables(model)]

    for callback in callbacks:
        callback.set_model(model)
        callback.set_params({"epochs": epochs, "verbose": 0, "steps": None})
        callback.on_train_begin()
    return Recorder()


def _variables(model: Any) -> list[Any]:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    metrics = {id(v) for v in model.metrics_variables}  # Keras resets them at each epoch
    variables = [v for v in model.variables if id(v) not in metrics]
    return [*variables, *model.optimizer.variables]


def _assign(model: Any, values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(_variables(model), values, strict=True):
        variable.assign(value)


def _save(path: Path, recorder: Any, best: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    arrays = {f"variable {i}": value for i, value in enumerate(recorder.snapshot)}
    arrays |= {f"best {i}": value for i, value in enumerate(best.best_weights or ())}
    history = np.array(json.dumps(recorder.history))
    np.savez(partial, allow_pickle=False, history=history, **arrays)
    partial.replace(path)


def _load(path: Path, model: Any, recorder: Any, best: Any) -> int:
    """Restore the model and the callbacks; return the number of finished epochs."""
    with np.load(path, allow_pickle=False) as stored:
        history = json.loads(str(stored["history"]))
        arrays = {key: stored[key] for key in stored.files}
    done = len(next(iter(history.values())))
    for epoch in range(done):
        recorder.on_epoch_end(epoch, {key: values[epoch] for key, values in history.items()})
    n_variables, n_best = (sum(k.startswith(kind) for k in arrays) for kind in ("var", "best"))
    _assign(model, [arrays[f"variable {i}"] for i in range(n_variables)])
    if n_best:
        best.best_weights = [arrays[f"best {i}"] for i in range(n_best)]
    return done


def _digest(identity: Any) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]
