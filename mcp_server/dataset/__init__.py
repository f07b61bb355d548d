"""What a catalogue is (spec), how its files are read (readers) and what comes of them (records)."""
