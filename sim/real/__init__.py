"""Real data, copied from other formats into datasets."""
