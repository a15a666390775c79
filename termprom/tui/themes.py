"""Themes as checked data: YAML files, the shipped ones and the operator's own.

    title: dark                 optional; the file's name is the theme's name
    dark: true                  whether the background is dark
    ansi: false                 true: colours are the terminal's own sixteen (`ansi_red`, ...)
    colors: {critical: "#ff8787", ...}     every name of COLOR_NAMES
    series: ["#d7af00", ...]    eight colours of graphs

A file of the operator's config folder (`themes/NAME.yml`) wins over a shipped one of that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual.theme import Theme

from termprom.errors import ConfigError
from termprom.tui.folders import config_folder, shipped_themes

if TYPE_CHECKING:
    from yaml import Mark

COLOR_NAMES: Final = (
    "background",
    "surface",
    "panel",
    "foreground",
    "muted",
    "accent",
    "border",
    "border-focus",
    "cursor-background",
    "cursor-foreground",
    "cursor-blurred",
    "critical",
    "warning",
    "info",
    "ok",
    "pending",
    "muted-graph",
)
SERIES_COUNT: Final = 8
_KEYS: Final = frozenset({"title", "dark", "ansi", "colors", "series"})
_RGB: Final = re.compile(r"#[0-9a-fA-F]{6}")
_ANSI: Final = re.compile(
    r"ansi_(default|(bright_)?(black|red|green|yellow|blue|magenta|cyan|white))"
)


@dataclass(frozen=True, slots=True)
class ThemeSpec:
    """One theme: every colour name has a colour, there are SERIES_COUNT series colours."""

    name: str
    title: str
    dark: bool
    ansi: bool
    colors: Mapping[str, str]
    series: Sequence[str]


def theme_files() -> dict[str, Path]:
    """Every theme by name, sorted; the operator's own hide shipped ones of the same name."""
    found: dict[str, Path] = {}
    for folder in (shipped_themes(), config_folder() / "themes"):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix in (".yml", ".yaml"):
                    found[path.stem] = path
    return dict(sorted(found.items()))


def load_theme(path: Path) -> ThemeSpec:
    """Read and check one file. Raises ConfigError with the file, the key and the nearest name."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot be read: {problem}", str(path)) from problem
    except yaml.MarkedYAMLError as problem:
        mark: Mark | None = problem.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError(problem.problem or "is not YAML", str(path), line, column) from problem
    except yaml.YAMLError as problem:
        raise ConfigError(f"is not YAML: {problem}", str(path)) from problem
    return check_theme(path.stem, tree, str(path))


def check_theme(name: str, tree: Any, path: str) -> ThemeSpec:
    """A theme out of parsed YAML. Raises ConfigError."""
    if not isinstance(tree, dict):
        raise ConfigError("a theme is a mapping of title, dark, ansi, colors and series", path)
    _refuse_unknown(tree, _KEYS, path, "")
    dark, ansi = (_flag(tree, key, path) for key in ("dark", "ansi"))
    colors = tree.get("colors")
    if not isinstance(colors, dict):
        raise ConfigError("expected a mapping of names to colours", path, key="colors")
    _refuse_unknown(colors, frozenset(COLOR_NAMES), path, "colors.")
    missing = [one for one in COLOR_NAMES if one not in colors]
    if missing:
        raise ConfigError(f"missing: {', '.join(missing)}", path, key="colors")
    for key, value in colors.items():
        _check_color(value, path, f"colors.{key}", ansi=ansi)
    series = tree.get("series")
    if not isinstance(series, list) or len(series) != SERIES_COUNT:
        raise ConfigError(f"expected a list of {SERIES_COUNT} colours", path, key="series")
    for position, value in enumerate(series):
        _check_color(value, path, f"series[{position}]", ansi=ansi)
    title = str(tree.get("title") or name)
    return ThemeSpec(name, title, dark, ansi, dict(colors), tuple(series))


def _flag(tree: Mapping[str, Any], key: str, path: str) -> bool:
    value = tree.get(key, False)
    if not isinstance(value, bool):
        raise ConfigError("expected true or false", path, key=key)
    return value


def _refuse_unknown(tree: Mapping[Any, Any], known: frozenset[str], path: str, before: str) -> None:
    import difflib

    for key in tree:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            raise ConfigError(f"unknown key{hint}", path, key=f"{before}{key}")


def _check_color(value: Any, path: str, key: str, *, ansi: bool) -> None:
    shape, example = (_ANSI, "ansi_bright_red") if ansi else (_RGB, "#ff8787")
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ConfigError(f"{value!r} is not a colour like {example}", path, key=key)


def textual_theme(spec: ThemeSpec) -> Theme:
    """The same as Textual knows it; its variables carry the names of COLOR_NAMES.

    `status-critical` and its like are the colours of states, `series-1` to `series-8` of graphs.
    """
    colors = spec.colors
    variables = {f"status-{name}": color for name, color in colors.items()}
    variables |= {f"series-{number}": color for number, color in enumerate(spec.series, 1)}
    variables |= {
        "border": colors["border-focus"],
        "border-blurred": colors["border"],
        "scrollbar": colors["border"],
        "block-cursor-background": colors["cursor-background"],
        "block-cursor-foreground": colors["cursor-foreground"],
    }
    if spec.ansi:
        # Textual's own widgets ask for these where the colours are the terminal's.
        ink, paper = colors["foreground"], "ansi_black" if spec.dark else "ansi_white"
        over = "ansi_white" if spec.dark else "ansi_black"
        variables |= {
            "ansi-background": paper,
            "ansi-foreground": over,
            "input-cursor-background": over,
            "input-cursor-foreground": paper,
            "input-selection-background": "ansi_bright_blue",
            "input-selection-foreground": paper,
            "screen-selection-background": "ansi_bright_blue",
            "screen-selection-foreground": paper,
            "block-cursor-blurred-foreground": ink,
        }
    return Theme(
        name=f"termprom-{spec.name}",
        primary=colors["accent"],
        secondary=colors["info"],
        warning=colors["warning"],
        error=colors["critical"],
        success=colors["ok"],
        accent=colors["accent"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        boost=colors["panel"] if spec.ansi else None,
        dark=spec.dark,
        ansi=spec.ansi,
        variables=variables,
    )
