"""The one model of a running app: checked at once, loaded beside the open port."""

import logging
import threading
from collections.abc import Callable

from ser.bundle import Bundle
from ser.errors import SerError
from ser.graph import GraphScorer
from ser.predictor import Predictor
from ser.runtime import build_graph

log = logging.getLogger(__name__)


class ModelHolder:
    """Loads a bundle's model in a thread of its own, once."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.error: str | None = None
        self._predictor: Predictor | None = None
        self._finished = threading.Event()

    def start(
        self,
        build: Callable[[Bundle], GraphScorer] = build_graph,
        *,
        on_failure: Callable[[str], None] = lambda _: None,
        on_success: Callable[[Predictor], None] = lambda _: None,
    ) -> None:
        """Begin to load; then one of the two is called, with the reason or the predictor.

        Args:
            build: as `load_scorer` says.
        """
        threading.Thread(
            target=self._load, args=(build, on_failure, on_success), name="load-model", daemon=True
        ).start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until loading has ended, well or badly; say whether it has."""
        return self._finished.wait(timeout_s)

    @property
    def predictor(self) -> Predictor | None:
        """The predictor, once it has answered its warm-up."""
        return self._predictor

    def _load(
        self,
        build: Callable[[Bundle], GraphScorer],
        on_failure: Callable[[str], None],
        on_success: Callable[[Predictor], None],
    ) -> None:
        try:
            self._predictor = Predictor.from_bundle(self.bundle, build)
            log.info("model %s %s is ready", self.bundle.metadata.name, self.bundle.version)
        except Exception as error:
            if not isinstance(error, SerError):
                log.exception("loading the model failed")
            self.error = str(error)
            on_failure(self.error)
        finally:
            self._finished.set()
        if self._predictor:
            on_success(self._predictor)
