"""Transitions for offline control: reading, checking, describing, choosing, writing them."""
