"""The agent's page in a browser, served by Chainlit."""
