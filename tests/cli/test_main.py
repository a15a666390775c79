"""The entry point: which subcommand, which exit status."""

from __future__ import annotations

import pytest

from termprom import __version__
from termprom.cli import main as cli


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_version(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([argument]) == 0
    assert capsys.readouterr().out == f"termprom, version {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help"]) == 0
    text = capsys.readouterr().out
    for command in ("serve", "attach", "stop", "query", "check", "test"):
        assert f"\n  {command} " in text


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scrpe"]) == 2
    assert "no command 'scrpe'" in capsys.readouterr().err


def test_without_a_terminal_the_screen_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 1
    assert "termprom serve" in capsys.readouterr().err


def test_stop_on_a_folder_without_an_engine_says_so(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["stop", f"--storage.tsdb.path={tmp_path}"]) == 1
    assert "no engine runs on" in capsys.readouterr().err
