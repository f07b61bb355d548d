"""Serving what is published: calls, the backends behind them, plug-ins, and the first preparation."""
