"""What the commands do, one module each; ``cli`` says what they take."""
