"""Curation: which completions of a graded set are learnt from. Pure: numpy and pyarrow only."""
