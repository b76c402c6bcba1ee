"""Indexes of codings, among which a service finds neighbours."""
