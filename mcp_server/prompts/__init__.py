"""Prompts that a person can choose, and instructions for assistants."""
