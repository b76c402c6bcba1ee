"""Principal components (Pearson, 1901), to which autoencoders are compared at equal size."""

from dataclasses import dataclass
from typing import Any

from sklearn.decomposition import PCA

from training.experiments.models import flat
from training.pixel_noise import Floats


@dataclass(frozen=True)
class Components:
    """The principal components of items.

    Args:
        fitted: scikit-learn's estimator.
    """

    fitted: Any

    @classmethod
    def of(cls, items: Floats, size: int) -> "Components":
        """Return the first components of items (n, ...).

        Raises:
            ValueError: There are fewer items or numbers of an item than components.
        """
        most = min(len(items), items[0].size)
        if size > most:
            raise ValueError(f"components: expected at most {most} of these items, received {size}")
        return cls(PCA(size, svd_solver="covariance_eigh").fit(flat(items)))

    def codings(self, items: Floats) -> Floats:
        """Return the codings of items, (n, size)."""
        found: Floats = self.fitted.transform(flat(items))
        return found

    def reconstruct(self, items: Floats) -> Floats:
        """Return the reconstructions of items."""
        found: Floats = self.fitted.inverse_transform(self.codings(items))
        return found.reshape(items.shape)
