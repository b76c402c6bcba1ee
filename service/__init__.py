"""Online half of the project: serves exported autoencoders over HTTP."""
