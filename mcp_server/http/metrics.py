"""Metrics for Prometheus: the calls, and the process. Imported only where they are served."""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    disable_created_metrics,
)
from prometheus_client import ProcessCollector as ProcessMetrics
from prometheus_client.exposition import choose_encoder

from mcp_server.http.refusals import REASONS, Reason
from mcp_server.serving.call_runner import Calls, FinishedCall

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the histogram's buckets, from a lookup in memory to the default timeout."""


class Metrics:
    """The metrics of a server.

    Args:
        tools: Names that are shown from the start, before anyone has called them.
    """

    def __init__(self, tools: Iterable[str] = ()) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        for collector in (ProcessMetrics, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._calls = Counter("recsys_calls", "Calls that have ended.", ("tool", "outcome"), registry=self._registry)
        self._seconds = Histogram(
            "recsys_call_duration_seconds",
            "How long calls took, waiting included.",
            ("tool",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._refused = Counter(
            "recsys_refused", "Requests and connections refused before any call.", ("reason",), registry=self._registry
        )
        for reason in REASONS:
            self._refused.labels(reason)
        for tool in tools:
            self._calls.labels(tool, "ok")
            self._seconds.labels(tool)

    def record(self, call: FinishedCall) -> None:
        self._calls.labels(call.tool, call.outcome).inc()
        self._seconds.labels(call.tool).observe(call.seconds)

    def refused(self, reason: Reason) -> None:
        self._refused.labels(reason).inc()

    def watch(self, calls: Calls) -> None:
        """Show how many calls run and wait."""
        self.show("recsys_calls_running", "Calls that are being worked on.", lambda: calls.running)
        self.show("recsys_calls_waiting", "Calls that wait for their turn.", lambda: calls.waiting)

    def show(self, name: str, description: str, count: Callable[[], int]) -> None:
        """Show a number that goes up and down."""
        Gauge(name, description, registry=self._registry).set_function(count)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page that Prometheus reads, and its content type.

        Args:
            accept: The reader's Accept header.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
