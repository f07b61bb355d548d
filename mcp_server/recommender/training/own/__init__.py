"""Models of our own, learned without RecBole."""
