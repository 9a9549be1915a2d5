"""What was measured in the test's own process."""

from prometheus_client import REGISTRY


def measured(name: str, **labels: str) -> float:
    """The value at this moment; 0 for what was never counted."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Growth:
    """How much something has grown since it was looked at: other tests have counted too."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name = name
        self._labels = labels
        self._before = measured(name, **labels)

    def __call__(self) -> float:
        return measured(self._name, **self._labels) - self._before
