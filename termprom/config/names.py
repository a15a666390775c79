"""Which texts may name labels, metrics and annotations.

Source: reference of the configuration, "metric_name_validation_scheme".
"""

from __future__ import annotations

from termprom.model.labels import is_legacy_label_name


def is_text(value: str) -> bool:
    """Whether `value` is what a UTF-8 file can hold; !!binary may smuggle in other bytes."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_label_name(name: str, *, legacy: bool = False) -> bool:
    return is_legacy_label_name(name) if legacy else bool(name) and is_text(name)


def is_metric_name(name: str, *, legacy: bool = False) -> bool:
    if not legacy:
        return is_label_name(name)
    return is_legacy_label_name(name.replace(":", "_"))


def quoted(text: str) -> str:
    """`text` in double quotes as Go prints it; bytes that are not UTF-8 show as `\\xff`."""
    shown = []
    for character in text:
        if character in '"\\':
            shown.append("\\" + character)
        elif 0xDC80 <= ord(character) <= 0xDCFF:
            shown.append(f"\\x{ord(character) - 0xDC00:02x}")
        elif character.isprintable():
            shown.append(character)
        else:
            shown.append(character.encode("unicode_escape").decode("ascii"))
    return '"' + "".join(shown) + '"'
