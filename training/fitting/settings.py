"""How an autoencoder is fitted: optimizer, schedule, loss, early stopping."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FitSettings:
    """Muon with a warm-up and a cosine schedule.

    Muon (Jordan et al., 2024; Liu et al., 2025, arXiv 2502.16982) orthogonalises the updates of
    matrices; Keras's implementation updates biases and convolution kernels as Adam does, the one
    of this project 3x3 kernels as matrices, too.

    Args:
        epochs: Maximum number of epochs.
        batch_size: Items a batch.
        learning_rate: The highest learning rate.
        loss: Name of a Keras loss, "masked mse" or "root mse".
        loss_weight: Weight of the loss beside the model's own penalties.
        patience: Epochs without a lower validation MSE before training stops.
        convolutions: Whether 3x3 kernels are updated as matrices.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 4e-3
    loss: str = "mse"
    loss_weight: float = 1.0
    patience: int = 10
    convolutions: bool = False

    def __str__(self) -> str:
        loss = f"{self.loss_weight:g} x {self.loss}"
        muon = "Muon, of 3x3 kernels, too," if self.convolutions else "Muon"
        return (
            f"{self.epochs} epochs at most, patience {self.patience}, batches of "
            f"{self.batch_size}, {muon} with a learning rate up to {self.learning_rate:g}, {loss}"
        )
