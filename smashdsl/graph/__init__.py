"""An architecture as a `torch.fx` graph, and as a plain module."""
