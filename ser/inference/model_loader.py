"""Load the model in a thread, while the port is already open."""

import logging
import threading
from collections.abc import Callable

from ser.errors import SerError
from ser.inference.backends import build_openvino_model
from ser.inference.openvino_backend import OpenVinoModel
from ser.inference.predictor import Predictor
from ser.models.model_file import ASSUMED, ModelFile

log = logging.getLogger(__name__)


class ModelLoader:
    """Loads the model of a model file once, in a thread of its own."""

    def __init__(self, model_file: ModelFile, *, long_at_once: int) -> None:
        self.model_file = model_file
        self._long_at_once = long_at_once
        self.error: str | None = None
        self._predictor: Predictor | None = None
        self._finished = threading.Event()

    def start(
        self,
        build: Callable[[ModelFile], OpenVinoModel] = build_openvino_model,
        *,
        on_failure: Callable[[str], None] = lambda _: None,
        on_success: Callable[[Predictor], None] = lambda _: None,
    ) -> None:
        """Start loading.

        Args:
            build: as `load_backend` takes it.
            on_failure: called with the reason if loading fails.
            on_success: called with the predictor once it has answered its warm-up.
        """
        threading.Thread(
            target=self._load, args=(build, on_failure, on_success), name="load-model", daemon=True
        ).start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until loading has succeeded or failed; return whether it has."""
        return self._finished.wait(timeout_s)

    @property
    def predictor(self) -> Predictor | None:
        """The predictor, once it has answered its warm-up."""
        return self._predictor

    def _load(
        self,
        build: Callable[[ModelFile], OpenVinoModel],
        on_failure: Callable[[str], None],
        on_success: Callable[[Predictor], None],
    ) -> None:
        try:
            self._predictor = Predictor.from_model_file(
                self.model_file, build, long_at_once=self._long_at_once
            )
            log.info("model %s %s is ready", self.model_file.metadata.name, self.model_file.version)
            if self.model_file.labels_assumed:
                fields = {"labels_assumed": True, "labels": self.model_file.metadata.labels}
                log.warning(
                    "model file %s: %s", self.model_file.path, ASSUMED, extra={"fields": fields}
                )
        except Exception as error:
            if not isinstance(error, SerError):
                log.exception("loading the model failed")
            self.error = str(error)
            on_failure(self.error)
        finally:
            self._finished.set()
        if self._predictor:
            on_success(self._predictor)
