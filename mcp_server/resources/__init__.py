"""Resources: what can be read by address, and completions of what is typed."""
