"""What an emulated Raspberry Pi is made of: a folder with Debian's arm64 Python, and an ssh server for each device."""
