"""Loading for PyTorch."""
