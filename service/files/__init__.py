"""Photographs in files, folders and buckets, denoised and encoded without HTTP."""
