"""What the commands print: tables, progress, numbers with units."""
