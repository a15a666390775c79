"""Config: what the engine runs on, what was wrong with the last reload, its flags and build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from termprom.backend.interface import Feature, Topic
from termprom.tui.figures import date_and_clock, size, span, took
from termprom.tui.keymap import bind
from termprom.tui.messages import CopyWanted
from termprom.tui.panes.tabbed import TabbedPane
from termprom.tui.session import Session
from termprom.tui.widgets.columns import Column, RowModel
from termprom.tui.widgets.text_box import Fact, Ink, Row, TextBox, facts, paragraph
from termprom.tui.widgets.virtual_list import VirtualList
from termprom.views import StatusView

_FLAGS: RowModel[tuple[str, str]] = RowModel(
    (
        Column("flag", "FLAG", lambda one: f"--{one[0]}", width_max=60),
        Column("value", "VALUE", lambda one: one[1], width_min=10, width_max=200, flex=1),
    ),
    key=lambda one: one[0],
)


class ConfigPane(TabbedPane):
    """See the module. `R` reads the configuration again."""

    PANE_ID = "config"
    TITLE = "Config"
    TOPICS = frozenset({Topic.CONFIG})
    HAS_DETAIL = False
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pane.reload", "reload", show=True),
        bind("pane.yank", "yank", show=True),
    ]

    def __init__(self, session: Session) -> None:
        self._yaml = TextBox("Configuration", id="config-yaml")
        self._flags = VirtualList(
            _FLAGS, title="Flags", ascii_only=session.ascii, empty="this server tells no flags",
            id="config-flags",
        )  # fmt: skip
        self._build = TextBox("Build and process", id="config-build")
        tabs = (("Config", self._yaml), ("Flags", self._flags), ("Build", self._build))
        super().__init__(session, tabs)
        self._status: StatusView | None = None

    async def take(self) -> None:
        status = self._status = await self.session.backend.status()
        loaded = date_and_clock(status.config_loaded_ms, self.session.zone)
        name = status.config_path or "embedded default"
        if not status.config_path and not status.data_folder:
            name = "configuration"
        self._yaml.retitle(name, f"loaded {loaded}" if status.config_loaded_ms else "")
        self._yaml.fill(lambda width: config_rows(status, width))
        self._flags.set_rows(sorted(status.flags.items()))
        self._build.fill(lambda width: build_rows(status, self.session, width))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "reload":
            return self.session.backend.offers(Feature.RELOAD)
        if action == "yank":
            return self._status is not None
        return super().check_action(action, parameters)

    async def action_reload(self) -> None:
        await self.run_action("app.reload")

    def copy_of(self, row: object) -> tuple[str, str] | None:
        assert isinstance(row, tuple)
        return f"--{row[0]}={row[1]}", "the flag"

    def action_yank(self) -> None:
        """The flag under the cursor, or the whole text of the shown tab."""
        if self.shown_tab is self._flags:
            super().action_yank()
        elif self.shown_tab is self._build:
            self.post_message(CopyWanted(self._build.text, "build and process"))
        elif self._status is not None:
            self.post_message(CopyWanted(self._status.config_yaml, "the configuration"))


def config_rows(status: StatusView, width: int) -> Sequence[Row]:
    """What is wrong first and in full, then the YAML, a line a line."""
    rows: list[Row] = []
    if not status.config_ok:
        rows.append((Ink(" the last reload failed, the configuration below goes on:", "critical"),))
        rows += paragraph(status.config_error or "no reason was given", width, "critical")
        rows.append(())
    for warning in status.config_warnings:
        rows += paragraph(f"! {warning}", width, "warning")
    if status.config_warnings:
        rows.append(())
    if not status.config_yaml.strip():
        return [*rows, (Ink(" this server does not tell its configuration", "muted"),)]
    return [*rows, *(yaml_row(line) for line in status.config_yaml.rstrip("\n").split("\n"))]


def yaml_row(line: str) -> Row:
    """Comments quiet, keys in the accent."""
    line = line.replace("\t", "    ")
    if line.lstrip().startswith("#"):
        return (Ink(f" {line}", "muted"),)
    key, colon, value = line.partition(":")
    bare = key.strip().removeprefix("- ").strip()
    if colon and bare and " " not in bare and value[:1] in ("", " "):
        return (Ink(f" {key}:", "accent"), Ink(value))
    return (Ink(f" {line}"),)


def build_rows(status: StatusView, session: Session, width: int) -> Sequence[Row]:
    """Who answers, since when, where, and what it uses."""
    build, zone = status.build, session.zone
    version = " ".join(part for part in (build.application, build.version) if part)
    pairs: list[Fact] = [
        ("version", version),
        ("revision", " ".join(part for part in (build.revision, build.branch) if part) or "-"),
        ("built", " ".join(part for part in (build.build_date, build.build_user) if part) or "-"),
        ("runtime", build.go_version or "-"),
    ]
    if status.started_ms:
        up = span((session.now_ms() - status.started_ms) / 1000)
        pairs.append(("started", f"{date_and_clock(status.started_ms, zone)}, up {up}"))
    pairs += [
        ("host", status.hostname or "-"),
        ("folder", status.working_folder or "-"),
        ("data", status.data_folder or "-"),
        ("log", status.log_path or "-"),
    ]
    for listener in status.listeners:
        moved = f"  ({listener.moved_from} was taken)" if listener.moved_from else ""
        pairs.append((listener.purpose, f"{listener.url or listener.address}{moved}"))
    if status.pid:
        pairs.append(("process", f"{status.pid}, {size(status.resident_bytes)} resident, "
                                 f"{took(status.cpu_seconds)} of CPU"))  # fmt: skip
    if status.alertmanagers:
        pairs.append(("alerts to", "\n".join(status.alertmanagers)))
    return facts(pairs, width)
