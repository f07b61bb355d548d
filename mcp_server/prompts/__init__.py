"""Prompts and instructions: what a person can ask, and what an assistant is told."""
