"""``make demo``: the whole loop, from raw flights to a compared A/B test."""
