"""Sources of items for an index: files and arrays, read as the service reads bodies."""
