"""The decision: figures held against limits, and among those that fit the one to ship."""
