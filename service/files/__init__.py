"""Photographs in files and folders, denoised without HTTP."""
