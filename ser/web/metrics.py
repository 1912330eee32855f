"""Figures for Prometheus, of one process or added up over all copies of the server.

Where the environment names `PROMETHEUS_MULTIPROC_DIR`, prometheus_client keeps the figures of
each copy in a file there, and `/metrics` of any copy gives their sum.
"""

import os
import struct
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from ser.errors import Damaged, DecoderFault, TooComplex

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it
# Errors of a decoder that was given a file.
_DECODER_ERRORS = (Damaged, DecoderFault, TooComplex)
_ATTEMPTS, _PAUSE_S = 5, 0.02
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)


class Metrics:
    """The figures of one app."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "ser_requests", "Requests answered", ["status", "code"], registry=registry
        )
        self._stages = Histogram(
            "ser_stage_seconds",
            "Time that a stage of a prediction took",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._decoder_failures = Counter(
            "ser_decoder_failures",
            "Files of which a decoder gave no audio",
            ["code"],
            registry=registry,
        )
        self._running, self._waiting, copies = (
            Gauge(name, words, multiprocess_mode="livesum", registry=registry)
            for name, words in (
                ("ser_at_work", "Predictions being worked on"),
                ("ser_queued", "Predictions waiting for their turn"),
                ("ser_processes", "Copies of the server"),
            )
        )
        copies.set(1)
        ProcessCollector(registry=registry)

    def show_load(self, running: int, waiting: int) -> None:
        """Show how many predictions are running and waiting."""
        self._running.set(running)
        self._waiting.set(waiting)

    def count_request(self, status: int, code: str) -> None:
        """Count an answered request; `code` is "ok" or the error's."""
        self._requests.labels(status, code).inc()

    def count_error(self, error: Exception) -> None:
        """Count an error of a prediction, if the decoder raised it."""
        if isinstance(error, _DECODER_ERRORS):
            self._decoder_failures.labels(error.code).inc()

    def count_stage(self, stage: str, seconds: float) -> None:
        """Count a stage of a prediction."""
        self._stages.labels(stage).observe(seconds)

    def to_text(self) -> bytes:
        """Return the figures in Prometheus's text format."""
        if FOLDER_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        # CPU and memory (`process_…`) are of one process and cannot be added up here.
        everything = CollectorRegistry()
        MultiProcessCollector(everything)
        for _ in range(_ATTEMPTS - 1):
            try:
                return generate_latest(everything)
            except (OSError, ValueError, struct.error):
                time.sleep(_PAUSE_S)  # a copy that has just started is still making its files
        return generate_latest(everything)
