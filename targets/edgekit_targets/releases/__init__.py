"""Releases: what is shipped, how it is checked, and how a device keeps and switches them."""
