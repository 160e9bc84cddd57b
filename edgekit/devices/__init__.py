"""The machines edgekit measures on."""
