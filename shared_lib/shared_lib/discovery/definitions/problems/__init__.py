"""What contradicts itself between sections, or between the file and the modules."""
