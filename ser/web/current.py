"""The parts of the app that answers the current request."""

from typing import Any

from flask import current_app

from ser.inference.model_loader import ModelLoader
from ser.inference.predictor import Predictor
from ser.web.errors import ApiError
from ser.web.metrics import Metrics
from ser.web.prediction_queue import PredictionQueue
from ser.web.request_log import current_record
from ser.web.settings import Settings


def settings() -> Settings:
    """Return the settings."""
    return current_app.extensions["settings"]


def loader() -> ModelLoader:
    """Return what loads the model."""
    return current_app.extensions["model"]


def predictions() -> PredictionQueue:
    """Return the queue of predictions."""
    return current_app.extensions["predictions"]


def metrics() -> Metrics:
    """Return the metrics."""
    return current_app.extensions["metrics"]


def predictor() -> Predictor:
    """Return the model.

    Raises:
        ApiError: it is not ready.
    """
    ready = loader().predictor
    if ready is None:
        raise ApiError("not_ready", loader().error or "the model is loading")
    return ready


def model_and_id() -> dict[str, Any]:
    """Return the fields of an answer that name the model and the request."""
    model_file = loader().model_file
    return {
        "model": {"name": model_file.metadata.name, "version": model_file.version},
        "request_id": current_record().request_id,
    }
