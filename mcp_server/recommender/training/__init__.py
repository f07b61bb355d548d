"""Training with RecBole, in a process of its own. A server never imports this."""
