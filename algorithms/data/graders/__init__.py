"""How answers are read from completions and compared: one file per grader."""
