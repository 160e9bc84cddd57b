"""The agent: what runs on the device, what speaks to it, and the lines between them."""
