"""The reading of arguments: what a caller wrote, as the arguments that were meant.

Language models send arguments that a person would understand and a schema does not: JSON as text, "> 7", "user 8",
names of other programs' arguments. They are read here, in one place for all tools, by the kind of each argument. What
can be meant in one way only is read so, and told; anything else is refused with what would be right.
"""
