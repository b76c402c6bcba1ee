"""Reports: an HTML file on a training, or on two, that needs nothing beside itself."""
