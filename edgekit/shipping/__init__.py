"""A measured artifact becomes a signed release, and goes to one device or many, in waves."""
