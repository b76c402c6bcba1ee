"""How an autoencoder of Fashion-MNIST is fitted: optimizer, schedule, loss, early stopping."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FitSettings:
    """How a model is fitted: Muon, its learning rate rising at first, then falling along a cosine.

    Muon (Jordan et al., 2024; Liu et al., arXiv 2502.16982) orthogonalises the updates of
    matrices, and leaves the plain minimum that Adam stays in for long: the codings of a stacked
    autoencoder that are no better than principal components. What is no matrix (biases, the
    kernels of convolutions) Keras's Muon updates as Adam does.

    epochs: at most; learning_rate: at its highest; loss: a Keras loss, and loss_weight what it
    counts beside the model's own penalties; patience: epochs without a better validation MSE
    before training stops.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 4e-3
    loss: str = "mse"
    loss_weight: float = 1.0
    patience: int = 10

    def __str__(self) -> str:
        loss = f"{self.loss_weight:g} x {self.loss}"
        return (
            f"{self.epochs} epochs at most, patience {self.patience}, batches of "
            f"{self.batch_size}, Muon with a learning rate up to {self.learning_rate:g}, {loss}"
        )
