r"""The last \boxed{...} of a text, in time proportional to its length."""

_COMMANDS = ("\\boxed", "\\fbox")


def last_boxed(text: str) -> str | None:
    r"""Return what the last \boxed{...} or \fbox{...} holds; None without one, or cut off."""
    start, command = max((text.rfind(name), name) for name in _COMMANDS)
    if start < 0:
        return None
    rest = text[start + len(command) :]
    if rest[:1] == " " and rest[1:2] not in {"", "{"}:  # \boxed 5: one word without braces
        return rest.split()[0].rstrip("$.") or None
    opened = rest.find("{")
    if opened < 0 or rest[:opened].strip():
        return None
    depth = 0
    for place in range(opened, len(rest)):
        letter = rest[place]
        if letter == "{" and rest[place - 1 : place] != "\\":
            depth += 1
        elif letter == "}" and rest[place - 1 : place] != "\\":
            depth -= 1
            if depth == 0:
                return rest[opened + 1 : place].strip() or None
    return None
