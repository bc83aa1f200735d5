"""Independent random streams, one for every name: results never depend on who draws first."""

from hashlib import blake2b

import numpy as np


def stream(*name: str | int) -> np.random.Generator:
    """Return a generator that depends on the name alone, on any machine."""
    key = blake2b(repr(name).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
