"""One file a family of autoencoders; each builder takes a configuration and returns an untrained model."""
