"""Reports for people: pictures of architectures."""
