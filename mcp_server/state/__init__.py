"""The state of a dataset: which parts are published, where they are kept, and how they are opened."""
