"""Photographs of any size, denoised in overlapping tiles."""
