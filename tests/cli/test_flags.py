"""Flags bear Prometheus's names; what has no meaning here is accepted aloud or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from termprom.cli.flags import parse_settings, parse_size


def settings(*arguments: str):
    return parse_settings(arguments, "termprom", "")


def test_defaults_are_upstream_s() -> None:
    plain = settings()
    assert plain.config_file is None
    assert plain.retention_ms == 15 * 86_400_000
    assert plain.lookback_ms == 300_000
    assert plain.query_timeout_seconds == 120
    assert not plain.listen[0].explicit
    assert plain.warnings == ()


def test_an_address_that_was_asked_for_is_explicit() -> None:
    chosen = settings("--web.listen-address=127.0.0.1:0", "--push.listen-address", "off")
    assert chosen.listen[0].explicit
    assert chosen.push_listen is None


def test_a_size_limit_alone_switches_the_time_limit_off() -> None:
    """Upstream: fifteen days only where no limit at all was asked for."""
    assert settings("--storage.tsdb.retention.size=1GB").retention_ms == 0
    assert settings("--storage.tsdb.retention.time=1d").retention_ms == 86_400_000


def test_rules_run_beside_each_other_where_the_feature_is_on() -> None:
    assert settings("--rules.max-concurrent-evals=7").rules_concurrent_max == 0
    assert settings("--enable-feature=concurrent-rule-eval").rules_concurrent_max == 4
    both = ("--enable-feature=a,concurrent-rule-eval", "--rules.max-concurrent-evals=7")
    assert settings(*both).rules_concurrent_max == 7
    with pytest.raises(SystemExit):
        settings("--rules.max-concurrent-evals=0")


def test_notifications() -> None:
    plain = settings()
    assert (plain.notification_queue_max, plain.notification_batch_max) == (10_000, 256)
    assert plain.drain_notifications
    chosen = settings(
        "--alertmanager.notification-queue-capacity=5",
        "--alertmanager.notification-batch-size=2",
        "--no-alertmanager.drain-notification-queue-on-shutdown",
    )
    assert (chosen.notification_queue_max, chosen.notification_batch_max) == (5, 2)
    assert not chosen.drain_notifications
    assert chosen.flags["alertmanager.notification-batch-size"] == "2"
    with pytest.raises(SystemExit):
        settings("--alertmanager.notification-batch-size=0")


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("512MB", 512 << 20), ("1GB", 1 << 30), ("7B", 7)]
)
def test_sizes_are_powers_of_two(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "5", "GB", "1.5GB", "-1GB"])
def test_a_size_needs_its_unit(text: str) -> None:
    with pytest.raises(ValueError, match="unknown unit or number"):
        parse_size(text)


def test_a_flag_without_effect_is_named() -> None:
    chosen = settings("--web.console.templates=x", "--storage.tsdb.path=somewhere")
    assert chosen.data_folder == Path("somewhere")
    assert chosen.warnings == ("--web.console.templates is accepted and has no effect here",)


def test_several_features_may_share_a_flag() -> None:
    chosen = settings("--enable-feature=a,b", "--enable-feature=c")
    assert chosen.features == {"a", "b", "c"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no.such.flag"],
        ["--agent"],
        ["--query.timeout=never"],
        ["--log.level=loud"],
        ["stray"],
    ],
)
def test_a_wrong_command_line_ends_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings(*arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_features_that_change_nothing_are_named() -> None:
    assert settings("--enable-feature=exemplar-storage,st-storage").warnings == ()
    chosen = settings("--enable-feature=old-ui,native-histograms", "--enable-feature=bogus")
    assert chosen.warnings == (
        "Unknown option for --enable-feature: bogus",
        "--enable-feature=native-histograms changes nothing: "
        "set scrape_native_histograms in the configuration",
        "--enable-feature=old-ui is accepted and has no effect here",
    )
    assert chosen.features == {"old-ui", "native-histograms", "bogus"}
