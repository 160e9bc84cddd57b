"""What machine this is, and what else it is doing."""
