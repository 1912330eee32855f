"""Multi-layer perceptrons over 180 mean features: a well-known tutorial's, and a deeper one."""

from ser.models.label_sets import find_label_set
from ser.models.recipes.base import EstimatorRecipe, Published

_SOURCE = "a perceptron over 180 features of RAVDESS speech, after data-flair.training's tutorial"
_NOTE = (
    "The source's accuracy fits 192 test clips, a quarter of the clips of four emotions. It does "
    "not say which clips and which sample rate; we take the four emotions of the tutorial."
)
_FOUR = find_label_set("calm,happy,fear,disgust")
_PARAMS = {
    "alpha": 0.01,
    "batch_size": 256,
    "epsilon": 1e-8,
    "learning_rate": "adaptive",
    "max_iter": 500,
}


def _recipe(name: str, hidden: tuple[int, ...], accuracy: float) -> EstimatorRecipe:
    sizes = ", ".join(map(str, hidden))
    return EstimatorRecipe(
        name=name,
        summary=f"a perceptron of {sizes} over 180 mean features: four emotions",
        features="mix180",
        label_set=_FOUR,
        estimator="neural_network.MLPClassifier",
        params={"hidden_layer_sizes": hidden, **_PARAMS},
        published=Published(
            accuracy=accuracy,
            protocol="random:25",
            source=_SOURCE,
            data="RAVDESS speech",
            corpora=("ravdess",),
        ),
        note=_NOTE,
    )


RECIPES = (
    _recipe("mlp-180", (300,), 70.31),
    _recipe("mlp-180-deep", (200, 200, 100, 50), 73.96),
)
