"""Results of experiments in control: corrected and uncorrected policies on the same episodes."""
