"""Test cases of denoisers of photographs: each kind of noise in its file, seeded by image."""
