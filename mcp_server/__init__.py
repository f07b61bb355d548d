"""A recommender engine for LLM assistants: eight recommendation tools over the Model Context Protocol."""

__version__ = "0.1.0"
