"""The command `encode`: pictures and arrays to codings, in parts."""
