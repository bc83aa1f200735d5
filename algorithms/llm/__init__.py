"""One algorithm per file; every file here is one entry of `algorithms.catalogue.ALGORITHMS`."""
