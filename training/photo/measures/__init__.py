"""What is measured of a denoiser as it is served, one measure a file."""
