"""What every family builds: an encoder and a decoder, trained as one model."""

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Autoencoder:
    """An encoder and a decoder, and the model that chains them and is trained.

    encoder: images -> codings; decoder: codings -> reconstructions;
    whole: images -> reconstructions, sharing the weights of both.
    """

    whole: keras.Model
    encoder: keras.Model
    decoder: keras.Model

    @classmethod
    def of(cls, whole: keras.Model) -> "Autoencoder":
        """Return the autoencoder of a whole model, for instance one read back from a file.

        Raises ValueError where the model has no layers named "encoder" and "decoder".
        """
        return cls(whole, whole.get_layer("encoder"), whole.get_layer("decoder"))


def chain(encoder: keras.Model, decoder: keras.Model, *, name: str) -> Autoencoder:
    """Return the autoencoder whose reconstructions are decoder(encoder(images))."""
    images = keras.Input(encoder.input_shape[1:], name="images")
    whole = keras.Model(images, decoder(encoder(images)), name=name)
    return Autoencoder(whole, encoder, decoder)
