"""Headings of the gallery, in the order of its chapters."""

IMITATION = "Imitation"
IMPORTANCE = "REINFORCE and importance weights"
CLIPPING = "Clipped and tempered ratios"
GROUP = "Group baselines and regularisers"
DATA = "Shaping the data"
PREFERENCE = "Preferences"

ORDER = (IMITATION, IMPORTANCE, GROUP, CLIPPING, DATA, PREFERENCE)
"""Families of algorithms that are not ours follow, by name."""
