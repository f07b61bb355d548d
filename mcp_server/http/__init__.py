"""HTTP: the server process over a network, who gets in, what is bounded, and what monitoring sees."""
