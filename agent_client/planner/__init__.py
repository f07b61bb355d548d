"""A planner for models that cannot call tools well: they write one plan of all calls as JSON, and then the answer."""
