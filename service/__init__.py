"""Online half of the project: serves exported autoencoders over HTTP."""

__version__ = "0.1.0"
