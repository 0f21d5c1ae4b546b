"""The demonstration: a sample, weights for a local recogniser, and the daemon at work, for people who just came."""
