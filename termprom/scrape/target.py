"""From discovered groups to targets: labels before and after relabelling, and the URL. Pure.

Source: Prometheus docs, "Configuration", sections scrape_config and relabel_config.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, quote_plus

from termprom.config.schema import ScrapeConfig, TargetGroup
from termprom.model.durations import format_duration, parse_duration
from termprom.model.labels import Labels
from termprom.relabel import relabel

ADDRESS: Final = "__address__"
SCHEME: Final = "__scheme__"
PATH: Final = "__metrics_path__"
INTERVAL: Final = "__scrape_interval__"
TIMEOUT: Final = "__scrape_timeout__"
PARAM: Final = "__param_"
UNIX_SOCKET: Final = "__unix_socket__"
CONVERT_CLASSIC: Final = "__convert_classic_histograms_to_nhcb__"
KEEP_CLASSIC: Final = "__always_scrape_classic_histograms__"
NATIVE: Final = "__scrape_native_histograms__"

_INTERNAL: Final = "__"
_META: Final = "__meta_"
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_FLAGS: Final = {
    CONVERT_CLASSIC: "convert classic histograms to nhcb",
    KEEP_CLASSIC: "always scrape classic histograms",
    NATIVE: "scrape native histograms",
}
# What the path of a URL may hold as it is; a question mark would begin the query.
_PATH_SAFE: Final = "/$&+,:;=@"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to scrape. `labels` are all labels after relabelling, `public` those that samples
    get, `discovered` those before relabelling.
    """

    pool: str
    url: str
    labels: Labels
    public: Labels
    discovered: Labels
    interval_ms: int
    timeout_ms: int
    unix_socket: str = ""
    native_histograms: bool = False
    convert_classic: bool = False
    keep_classic: bool = False

    @property
    def key(self) -> tuple[Labels, str]:
        """What makes it this target and no other within its pool."""
        return self.public, self.url

    @property
    def identity(self) -> Labels:
        """The identity of its group of series in the store."""
        own = {"__scrape_pool__": self.pool, "__scrape_url__": self.url}
        return Labels.of({**self.public.as_dict(), **own})


@dataclass(frozen=True, slots=True)
class DroppedTarget:
    """A target that relabelling dropped, and the rule that did; -1 if nothing public was left."""

    discovered: Labels
    rule: int


@dataclass(frozen=True, slots=True)
class FoundTargets:
    """What the groups of a job come to; `problems` are targets that cannot be."""

    active: Sequence[Target] = ()
    dropped: Sequence[DroppedTarget] = ()
    problems: Sequence[str] = field(default_factory=tuple)

    def by_discovered(self) -> dict[Labels, Target | DroppedTarget]:
        """What relabelling made of which labels."""
        made: dict[Labels, Target | DroppedTarget] = {one.discovered: one for one in self.active}
        made.update((one.discovered, one) for one in self.dropped)
        return made


_NOTHING_KNOWN: Final[Mapping[Labels, Target | DroppedTarget]] = MappingProxyType({})


def find_targets(
    job: ScrapeConfig,
    groups: Sequence[TargetGroup],
    known: Mapping[Labels, Target | DroppedTarget] = _NOTHING_KNOWN,
) -> FoundTargets:
    """The targets of `groups`; equal ones become one. `known` says what this very job made of
    labels before: of ten thousand targets one has changed, and relabelling is most of the work.
    """
    active: dict[tuple[Labels, str], Target] = {}
    dropped: list[DroppedTarget] = []
    problems: list[str] = []
    for group in groups:
        for number, address in enumerate(group.targets):
            try:
                discovered = discovered_labels(job, group, address)
                found = known.get(discovered) or make_target(job, discovered)
            except ValueError as problem:
                problems.append(f"instance {number} in group {group.source}: {problem}")
                continue
            if isinstance(found, DroppedTarget):
                dropped.append(found)
            else:
                active.setdefault(found.key, found)
    return FoundTargets(tuple(active.values()), tuple(dropped), tuple(problems))


def discovered_labels(job: ScrapeConfig, group: TargetGroup, address: str) -> Labels:
    """The labels of a target before relabelling: its own, its group's, the job's."""
    labels = {ADDRESS: address}
    for name, value in group.labels:
        labels.setdefault(name, value)
    defaults = {
        "job": job.job_name,
        INTERVAL: format_duration(job.scrape_interval),
        TIMEOUT: format_duration(job.scrape_timeout),
        PATH: job.metrics_path,
        SCHEME: job.scheme,
        CONVERT_CLASSIC: _boolean_text(job.convert_classic_histograms_to_nhcb),
        KEEP_CLASSIC: _boolean_text(job.always_scrape_classic_histograms),
        NATIVE: _boolean_text(job.scrape_native_histograms),
    }
    for name, values in job.params.items():
        if values:
            defaults[PARAM + name] = values[0]
    for name, value in defaults.items():
        if not labels.get(name):
            labels[name] = value
    return Labels.of(labels)


def make_target(job: ScrapeConfig, discovered: Labels) -> Target | DroppedTarget:
    """The target of these labels after the job's relabelling. Raises ValueError in words."""
    outcome = relabel(discovered, job.relabel_configs)
    if outcome.dropped:
        return DroppedTarget(discovered, outcome.dropped_by)
    labels = outcome.labels.as_dict()
    address = labels.get(ADDRESS, "")
    if not address:
        raise ValueError("no address")
    if "/" in address:
        raise ValueError(f'"{address}" is not a valid hostname')
    interval_ms = _period(labels, INTERVAL, "interval")
    timeout_ms = _period(labels, TIMEOUT, "timeout")
    if timeout_ms > interval_ms:
        raise ValueError(
            "scrape timeout cannot be greater than scrape interval "
            f'("{labels[TIMEOUT]}" > "{labels[INTERVAL]}")'
        )
    flags = {name: _flag(labels.get(name, ""), what) for name, what in _FLAGS.items()}
    labels = {name: value for name, value in labels.items() if not name.startswith(_META)}
    labels.setdefault("instance", address)
    kept = Labels.of(labels)
    public = Labels(pair for pair in kept if not pair[0].startswith(_INTERNAL))
    if not public:
        return DroppedTarget(discovered, -1)
    return Target(
        pool=job.job_name,
        url=target_url(kept, job),
        labels=kept,
        public=public,
        discovered=discovered,
        interval_ms=interval_ms,
        timeout_ms=timeout_ms,
        unix_socket=labels.get(UNIX_SOCKET, ""),
        native_histograms=flags[NATIVE],
        convert_classic=flags[CONVERT_CLASSIC],
        keep_classic=flags[KEEP_CLASSIC],
    )


def target_url(labels: Labels, job: ScrapeConfig) -> str:
    """Where to ask for the metrics of a target with these labels."""
    params = {name: list(values) for name, values in job.params.items()}
    for label, value in labels:
        if label.startswith(PARAM):
            name = label.removeprefix(PARAM)
            params[name] = [value, *params.get(name, [])[1:]]
    path = labels.get(PATH)
    if path and not path.startswith("/"):
        path = "/" + path
    query = "&".join(
        f"{quote_plus(name)}={quote_plus(value)}"
        for name in sorted(params)
        for value in params[name]
    )
    url = f"{labels.get(SCHEME)}://{labels.get(ADDRESS)}{quote(path, safe=_PATH_SAFE)}"
    return f"{url}?{query}" if query else url


def _boolean_text(value: bool) -> str:
    return "true" if value else "false"


def _period(labels: dict[str, str], name: str, what: str) -> int:
    try:
        period_ms = parse_duration(labels.get(name, ""))
    except ValueError as problem:
        raise ValueError(f"error parsing scrape {what}: {problem}") from problem
    if not period_ms:
        raise ValueError(f"scrape {what} cannot be 0")
    return period_ms


def _flag(text: str, what: str) -> bool:
    if text and text not in _TRUE and text not in _FALSE:
        raise ValueError(
            f'error parsing {what}: strconv.ParseBool: parsing "{text}": invalid syntax'
        )
    return text in _TRUE
