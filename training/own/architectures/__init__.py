"""The recipes of each architecture, whose sizes follow those of an item."""
