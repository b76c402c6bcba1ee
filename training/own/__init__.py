"""The architectures of the chapter, trained on one's own images, sequences and tables."""
