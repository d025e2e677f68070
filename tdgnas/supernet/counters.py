"""What evaluating populations has cost, in counts that are the same on every machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Counters:
    """Exact counts; a node counts once for each batch of images on which it is computed (calibration included).

    :param requests: nodes that a one-by-one evaluation of everybody who was asked for computes, duplicates included.
    :param evaluations: nodes that were computed.
    :param cache_hits: node values that were found computed by an earlier call.
    :param macs_requested: multiply-adds of the requests (convolutions and linear layers).
    :param macs_executed: multiply-adds of the evaluations.
    :param passes: image passes of the distinct architectures that were computed, as if one by one.
    :param macs_repeated: multiply-adds of values that several workers needed at once, beyond the first: what it cost
        to split populations; what a worker still had from an earlier call is not taken off.
    """

    requests: int = 0
    evaluations: int = 0
    cache_hits: int = 0
    macs_requested: int = 0
    macs_executed: int = 0
    passes: int = 0
    macs_repeated: int = 0

    @property
    def macs_saved(self) -> int:
        """Multiply-adds that were asked for and did not have to be executed."""
        return self.macs_requested - self.macs_executed

    @property
    def share(self) -> float:
        """Multiply-adds executed as a share of those requested; 1 before anything was."""
        return self.macs_executed / self.macs_requested if self.macs_requested else 1.0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name, with the multiply-adds saved."""
        return {**asdict(self), "macs_saved": self.macs_saved}

    def copy(self) -> Counters:
        """Return the counts as they are now."""
        return Counters(**asdict(self))

    def since(self, before: Counters) -> Counters:
        """Return what was counted since :meth:`copy` was taken."""
        earlier = asdict(before)
        return Counters(**{name: value - earlier[name] for name, value in asdict(self).items()})

    def add(self, other: Counters) -> None:
        """Add other counts to these."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)
