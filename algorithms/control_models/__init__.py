"""Networks of CDSA (reference design): the data's score, inverse dynamics, forward dynamics."""
