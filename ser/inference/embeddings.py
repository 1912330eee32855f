"""Embeddings: the vector that a network has of a clip before its last layer."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ser.audio import Audio, load_audio
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.filenames import show_path
from ser.inference.backends import SERVING_LIBRARY, build_keras_model
from ser.inference.memory import hide_optional_packages
from ser.inference.openvino_backend import compile_graph, openvino_graph
from ser.inference.windowing import audible_seconds, segment_times, silent_windows
from ser.models import ModelFile, read_model_file

# What may stand behind the last dense layer: its bias, its activation, the mean of an ensemble.
_BEHIND = frozenset(
    ("Result", "Convert", "Add", "Softmax", "Divide", "Multiply", "Reshape", "Squeeze", "Unsqueeze")
)


class Embedder:
    """Computes the embeddings of a model file, with OpenVINO.

    The embedding is the input of the last dense layer. That of an ensemble is the embeddings of
    its members, one after the other.

    Attributes:
        size: of an embedding.
    """

    def __init__(self, model_file: ModelFile, *, threads: int | None = None) -> None:
        if model_file.architecture is None:
            raise UsageError(f"{show_path(model_file.path)} is no network: it has no last layer")
        library = os.environ.setdefault("KERAS_BACKEND", SERVING_LIBRARY)
        if library != SERVING_LIBRARY:
            raise UsageError(
                f"embeddings need KERAS_BACKEND={SERVING_LIBRARY}; it is set to {library}"
            )
        self.model_file = model_file
        shape = model_file.features.shape
        # As `build_openvino_model` does.
        with hide_optional_packages("tensorflow"):
            model = build_keras_model(model_file)
        with hide_optional_packages():
            graph = _before_last_layer(openvino_graph(model, shape), model_file.path)
            self.size: int = graph.output(0).get_partial_shape()[1].get_length()
            self._run = compile_graph(graph, threads=threads)

    @property
    def described(self) -> FeatureSet:
        """The features of the model, with the shape of an embedding; they describe a table."""
        meta = self.model_file.metadata
        return replace(
            self.model_file.features,
            name=f"{meta.name}-embedding",
            shape=(self.size,),
            params={"model": meta.name, "version": self.model_file.version},
        )

    @classmethod
    def from_file(cls, path: Path, *, threads: int | None = None) -> "Embedder":
        """Load a model file.

        Args:
            threads: for inference; None takes all cores.

        Raises:
            ModelFileError: it is no valid model file.
            UsageError: it is no network that ends in a dense layer.
        """
        return cls(read_model_file(path), threads=threads)

    def embed(self, source: bytes | Path) -> np.ndarray:
        """Return the embedding of a file: shape (size,), float32.

        Raises:
            AudioError, DecoderFault: as `Predictor.predict` raises them.
        """
        return self.embed_audio(load_audio(source, rate=self.model_file.features.sample_rate))

    def embed_audio(self, audio: Audio) -> np.ndarray:
        """Return the embedding of a decoded clip: shape (size,), float32.

        It is the mean over the windows, weighted by their seconds, as the windows of a prediction
        are; silent windows do not count.

        Args:
            audio: decoded at the sample rate of the model's features.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
        """
        features = self.model_file.features
        windows = features.windows(len(audio.samples))
        times = segment_times(windows, features.sample_rate, audio.duration)
        rows = np.stack([features.extract(audio.samples[a:b]) for a, b in windows])
        seconds = audible_seconds(times, silent_windows(audio.samples, windows))
        return np.average(self._run(rows), axis=0, weights=seconds).astype(np.float32)


def _before_last_layer(graph: Any, path: Path) -> Any:
    """Return the graph of a classifier without its last dense layer, or that of each member.

    Raises:
        UsageError: it does not end in dense layers of vectors.
    """
    import openvino
    from openvino import opset13 as ops

    found: list[Any] = []

    def walk(node: Any) -> None:
        kind = node.get_type_name()
        if kind == "Constant":
            return
        vector = node.input_value(0) if kind == "MatMul" else None
        if vector is not None and len(vector.get_partial_shape()) == 2:
            found.append(vector)
        elif kind in _BEHIND:
            for number in range(node.get_input_size()):
                walk(node.input_value(number).get_node())
        else:
            raise UsageError(
                f"{show_path(path)} does not end in a dense layer, so it has no vector before it"
            )

    (result,) = graph.get_results()
    walk(result)
    vectors = [ops.convert(vector, "f32") for vector in found]
    joined = ops.concat(vectors, axis=1) if len(vectors) > 1 else vectors[0]
    return openvino.Model([ops.result(joined)], graph.get_parameters())
