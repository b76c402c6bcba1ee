"""Measurements on a GPU: parity, speed, memory, settings, precisions, TensorRT, in ten minutes."""
