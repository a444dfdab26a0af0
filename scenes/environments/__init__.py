"""Scenes as Gymnasium environments: one at a time, and in batches that step in worker processes."""
