"""Weights: the HyperNet, the tensors it does not make, and how both are trained."""
