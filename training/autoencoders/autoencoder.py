"""An autoencoder: an encoder and a decoder, trained as one model."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Autoencoder:
    """An encoder, a decoder, and the model that chains them.

    Args:
        whole: Images -> reconstructions; it is trained, and shares the weights of both parts.
        encoder: Images -> codings.
        decoder: Codings -> reconstructions.
    """

    whole: keras.Model
    encoder: keras.Model
    decoder: keras.Model

    @classmethod
    def of(cls, whole: keras.Model) -> "Autoencoder":
        """Return the autoencoder of a whole model, such as one loaded from a file.

        Raises:
            ValueError: The model has no layers named "encoder" and "decoder".
        """
        return cls(whole, whole.get_layer("encoder"), whole.get_layer("decoder"))


def chain(encoder: keras.Model, decoder: keras.Model, *, name: str) -> Autoencoder:
    """Return the autoencoder whose reconstructions are decoder(encoder(images))."""
    images = keras.Input(encoder.input_shape[1:], name="images")
    whole = keras.Model(images, decoder(encoder(images)), name=name)
    return Autoencoder(whole, encoder, decoder)
