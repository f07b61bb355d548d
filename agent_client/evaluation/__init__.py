"""The evaluation of models: questions with a known truth are asked through the agent, and their answers are graded."""
