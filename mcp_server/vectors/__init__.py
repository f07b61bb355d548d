"""Search by meaning: texts into vectors (embedder), vectors into a store, and hybrid queries over it."""
