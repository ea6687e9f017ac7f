"""What we measure ourselves against: scripts of their own, so that no side touches the other's memory."""
