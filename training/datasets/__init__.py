"""The images that autoencoders are trained and measured on."""
