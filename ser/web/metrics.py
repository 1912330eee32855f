"""Figures for Prometheus."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from ser.errors import Damaged, DecoderFault, TooComplex
from ser.helper import Helper
from ser.web.workers import Workers

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# What a decoder that was given a file gives instead of audio.
_DECODER_ERRORS = (Damaged, DecoderFault, TooComplex)
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)


class Metrics:
    """The figures of one app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ser_requests", "Requests answered", ["status", "code"], registry=self._registry
        )
        self._stages = Histogram(
            "ser_stage_seconds",
            "Time that a stage of a prediction took",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._decoder_failures = Counter(
            "ser_decoder_failures",
            "Files of which a decoder gave no audio",
            ["code"],
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)

    def watch(self, workers: Workers, helpers: Sequence[Helper]) -> None:
        """Show how many predictions there are, and how many processes for them."""
        at_work = Gauge("ser_at_work", "Predictions being worked on", registry=self._registry)
        at_work.set_function(lambda: workers.at_work)
        queued = Gauge("ser_queued", "Predictions waiting for their turn", registry=self._registry)
        queued.set_function(lambda: workers.queued)
        processes = Gauge("ser_processes", "Processes for short clips", registry=self._registry)
        processes.set_function(lambda: sum(helper.running for helper in helpers) or 1)

    def count_request(self, status: int, code: str) -> None:
        """Count a request that is answered; `code` is "ok" or that of the error."""
        self._requests.labels(status, code).inc()

    def count_error(self, error: Exception) -> None:
        """Count what a prediction raised, where it was a decoder that failed."""
        if isinstance(error, _DECODER_ERRORS):
            self._decoder_failures.labels(error.code).inc()

    def count_stage(self, stage: str, seconds: float) -> None:
        """Count a stage of a prediction."""
        self._stages.labels(stage).observe(seconds)

    def to_text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self._registry)
