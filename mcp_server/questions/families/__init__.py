"""Templates of questions, by family. A template draws its subject at random and computes the truth from the records."""
