"""Muon for convolutions."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("autoencoders")
class ConvolutionMuon(keras.optimizers.Muon):
    """Muon (Jordan et al., 2024) on the kernels of 3x3 convolutions, Adam on all else.

    What moves a kernel is its momentum as a matrix, a column for each filter, with all its singular
    values made about one: no direction of the gradient drowns in a few large ones. Keras's own
    takes matrices alone. The size of a step is Adam's (Liu et al., 2025, arXiv 2502.16982), by
    which the layers that change the resolution and biases move, without weight decay.
    """

    def __init__(self, learning_rate: Any = 1e-3, **options: Any) -> None:
        super().__init__(learning_rate, **{"adam_weight_decay": None} | options)

    def _should_use_adamw(self, variable: Any) -> bool:
        return tuple(variable.shape[:-2]) != (3, 3)

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m)  # Nesterov's
        matrix = ops.reshape(ahead, (-1, variable.shape[-1]))
        update = self.lr_adjust(lr * self._orthogonal(matrix))
        self.assign_sub(variable, ops.reshape(update, variable.shape))

    def _orthogonal(self, matrix: Any) -> Any:
        """A matrix of more rows than columns, its singular values made about one.

        Newton and Schulz's iteration multiplies it by polynomials of its Gram matrix, which is
        small: they are multiplied with each other first, which gives the same in a third of the
        time.
        """
        matrix = matrix / (ops.norm(matrix) + 1e-7)
        gram = ops.matmul(ops.transpose(matrix), matrix)
        identity = product = ops.eye(gram.shape[0])
        for _ in range(self.ns_steps):
            squared = ops.matmul(gram, gram)
            factor = self.muon_a * identity + self.muon_b * gram + self.muon_c * squared
            product = ops.matmul(product, factor)
            gram = ops.matmul(ops.matmul(factor, gram), factor)
        return ops.matmul(matrix, product)
