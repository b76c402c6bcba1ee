"""The nine autoencoders of Fashion-MNIST: recipes, training, export, evaluation, figures."""
