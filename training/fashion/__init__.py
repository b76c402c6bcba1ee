"""The eight autoencoders of Fashion-MNIST: recipes, training, export, evaluation, figures."""
