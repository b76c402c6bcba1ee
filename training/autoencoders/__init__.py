"""One file a family of autoencoders: configuration in, untrained model out."""
