"""What a Keras model may take of memory: found out of its shapes, before it gets any."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ser.errors import ModelFileError

MAX_OUTPUT = 4_000_000  # numbers that a layer may give or need for one window
MAX_STEPS = 4_000  # of a recurrent layer, which may be laid out step by step


@contextmanager
def no_more_weights_than(stored: int) -> Iterator[None]:
    """Refuse a model whose layers ask for more weights than its file holds, before they get them.

    Every stock layer takes its weights from `add_weight`, at once and filled. Twice as many
    are given, for `Bidirectional` builds the layer that it copies, too.
    """
    import keras

    original = keras.Layer.add_weight
    left = 2 * stored

    def add_weight(layer: Any, *args: Any, **options: Any) -> Any:
        nonlocal left
        shape = options.get("shape", args[0] if args else None)
        left -= math.prod((shape,) if isinstance(shape, int) else shape or ())
        if left < 0:
            raise ModelFileError(f"its layers have more weights than the {stored} that it holds")
        return original(layer, *args, **options)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = original


def refuse_large_layers(model: Any, shape: tuple[int, ...]) -> None:
    """Refuse a model that would take gigabytes for a batch of windows.

    Args:
        model: of stock layers, built.
        shape: of the features. The model's own input may leave a length open.

    Raises:
        ModelFileError: a layer gives, or needs, more than `MAX_OUTPUT` numbers.
    """
    import keras

    graph = getattr(model, "_functional", model)
    # Keras has no public way to follow the shapes of one input through the layers.
    graph._run_through_graph(keras.KerasTensor((1, *shape)), operation_fn=_watched)


def _watched(layer: Any) -> Callable[..., Any]:
    """Return what gives the shapes that a layer makes of others, if they are not too large."""
    import keras

    def outputs_of(*inputs: Any, **options: Any) -> Any:
        if isinstance(layer, keras.Model):
            graph = getattr(layer, "_functional", layer)
            return graph._run_through_graph(inputs[0], operation_fn=_watched)
        outputs = layer.compute_output_spec(*inputs, **options)
        sizes = [math.prod(x.shape) for x in keras.tree.flatten(outputs)]
        sizes += [_needed(layer, x.shape) for x in keras.tree.flatten(inputs)[:1]]
        if max(sizes) > MAX_OUTPUT:
            raise ModelFileError(
                f"layer {layer.name!r} takes {max(sizes)} numbers for a window; "
                f"{MAX_OUTPUT} are the limit"
            )
        return outputs

    return outputs_of


def _needed(layer: Any, shape: tuple[int, ...]) -> int:
    """Return how many numbers a layer needs beside its output, for an input of `shape`."""
    if hasattr(layer, "return_sequences"):  # a recurrent one: the gates of every step
        if shape[1] > MAX_STEPS:
            raise ModelFileError(f"layer {layer.name!r} has {shape[1]} steps; {MAX_STEPS} at most")
        return shape[1] * sum(weight.shape[-1] for weight in layer.weights)
    if not hasattr(layer, "kernel_size"):
        return 0
    # A convolution: its input with zeros around, as far as the kernel reaches.
    lengths = shape[1:-1] if layer.data_format == "channels_last" else shape[2:]
    reach = [d * (k - 1) for d, k in zip(layer.dilation_rate, layer.kernel_size, strict=True)]
    padded = math.prod(n + more for n, more in zip(lengths, reach, strict=True))
    return math.prod(shape) // math.prod(lengths) * padded
