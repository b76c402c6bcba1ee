"""Batch normalisation that is quick on every backend."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("autoencoders")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, computed by PyTorch's own kernel where that trains, channels first.

    Keras writes the moments and their gradients as a dozen passes over the data, which on a CPU
    take longer than the convolutions between them; the kernel takes two.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training or keras.backend.backend() != "torch" or self.axis != 1:
            return super().call(inputs, training=training, mask=mask)
        import torch

        return torch.nn.functional.batch_norm(
            inputs,
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            training=True,
            momentum=1 - self.momentum,
            eps=self.epsilon,
        )
