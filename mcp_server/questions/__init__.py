"""Questions about a catalogue with their truth, and the grading of answers."""
