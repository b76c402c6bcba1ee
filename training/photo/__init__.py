"""Training of the denoiser of photographs: its noise, its patches, its loop, its measurements."""
