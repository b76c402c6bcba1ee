"""The denoiser of photographs: noise, patches, training, export, evaluation, figures."""
