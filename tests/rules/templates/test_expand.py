"""The worked examples and error texts of the reference page on templating, sections 12 to 15."""

from __future__ import annotations

import numpy as np
import pytest

from termprom.errors import ParseError, TemplateError
from termprom.model.labels import Labels
from termprom.model.result import QueryResult, ResultType
from termprom.rules.templates.expand import check_template, expand

LABELS = Labels.of(
    __name__="m",
    instance="web1.example.com:9100",
    job="node",
    quantile="0.99",
    weird="<b>&'\"",
)
UP = (
    (Labels.of(__name__="up", instance="b:9100", job="node"), 1.0),
    (Labels.of(__name__="up", instance="a:9100"), 0.0),
)


def answer(expr: str, at_ms: int) -> QueryResult:
    if expr == "bad(":
        raise ParseError("unexpected end of input", 4, 4, 1, 5)
    found = UP if expr == "up" else ()
    return QueryResult(
        ResultType.VECTOR,
        [labels for labels, _ in found],
        np.array([at_ms]),
        np.array([[value] for _, value in found]).reshape(-1, 1),
        np.ones((len(found), 1), dtype=bool),
    )


def fill(text: str) -> str:
    return expand(
        text,
        name="__alert_X",
        labels=LABELS,
        value=0.123456789,
        external_labels=Labels.of(region="eu"),
        external_url="http://prom.example.com:9090/p",
        now_ms=1435065584128,
        query=answer,
    )


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        (
            "Instance {{ $labels.instance }} of job {{ $labels.job }} down",
            "Instance web1.example.com:9100 of job node down",
        ),
        ("Value is {{ $value }}", "Value is 0.123456789"),
        ("{{ $value | humanizePercentage }}", "12.35%"),
        ('{{ printf "%.2f" $value }}', "0.12"),
        ("{{ $labels.nope }}|", "|"),
        (
            "{{ $labels }}",
            "map[__name__:m instance:web1.example.com:9100 job:node quantile:0.99 weird:<b>&'\"]",
        ),
        ('{{ with query "up" }}{{ . | first | value | humanize }}{{ end }}', "1"),
        (
            '{{ range query "up" }}{{ .Labels.instance }}={{ .Value }};{{ end }}',
            "b:9100=1;a:9100=0;",
        ),
        ('{{ range query "EMPTY" }}x{{ else }}none{{ end }}', "none"),
        (
            '{{ range $i, $s := query "up" }}{{ if $i }}, {{ end }}'
            "{{ $s.Labels.instance | stripPort }}{{ end }}",
            "b, a",
        ),
        (
            '{{ range sortByLabel "instance" (query "up") }}{{ .Labels.instance }} {{ end }}',
            "a:9100 b:9100 ",
        ),
        (
            "{{ if gt $value 0.1 }}high{{ else if gt $value 0.05 }}mid{{ else }}low{{ end }}",
            "high",
        ),
        ('{{ if and (eq $labels.job "node") (lt $value 0.5) }}yes{{ end }}', "yes"),
        (
            '{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" "a" }}'
            '{{ template "t" $labels.job }}',
            "[a][node]",
        ),
        ('a  {{- " b " -}}  c', "a b c"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
        ("{{ range $k, $v := $externalLabels }}{{ $k }}={{ $v }},{{ end }}", "region=eu,"),
        (
            '{{ reReplaceAll "([a-z]+)1\\\\.(.*):.*" "$2/$1" $labels.instance }}',
            "example.com/web",
        ),
        ('{{ match "^web[0-9]" $labels.instance }}', "true"),
        (
            '{{ graphLink "rate(x[5m]) > 1" }}',
            "/graph?g0.expr=rate%28x%5B5m%5D%29+%3E+1&g0.tab=0",
        ),
        ("{{ now | humanizeTimestamp }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ('{{ (now | toTime).Format "2006-01-02 15:04" }}', "2015-06-23 13:19"),
        ("{{ 90.0 | toDuration }} {{ (toDuration 90).Minutes }}", "1m30s 1.5"),
        (
            "{{ $externalLabels.region }} {{ externalURL }} {{ pathPrefix }}",
            "eu http://prom.example.com:9090/p /p",
        ),
        ('{{ range $i, $e := args 1 "b" }}{{ $i }}={{ $e }} {{ end }}', "arg0=1 arg1=b "),
        ('{{ len "abc" }} {{ index $labels "job" }} {{ slice "abcdef" 1 3 }}', "3 node bc"),
        ("{{ $labels.weird | html }}", "&lt;b&gt;&amp;&#39;&#34;"),
        (
            '{{ range query "up" }}{{ if eq .Labels.instance "a:9100" }}{{ break }}{{ end }}'
            "{{ .Value }}{{ end }}",
            "1",
        ),
        ("{{ range $i := 3 }}{{ $i }}{{ if eq $i 1 }}{{ continue }}{{ end }}-{{ end }}", "0-12-"),
        ('{{ with "" }}a{{ else with "q" }}{{ . }}{{ else }}c{{ end }}', "q"),
        ("{{ with $x := $labels.job }}{{ $x }}{{ . }}{{ end }}", "nodenode"),
        ('{{ not $labels.nope }} {{ or $labels.nope "dflt" }}', "true dflt"),
        (
            "{{ $labels.instance | stripDomain }} {{ stripPort $labels.instance }}",
            "web1:9100 web1.example.com",
        ),
        ('{{ query "up" | first }}', "{map[__name__:up instance:b:9100 job:node] 1}"),
        ('{{ block "b" 1 }}<{{ . }}>{{ end }}', "<1>"),
        ('{{ range query "up" }}{{ $.Labels.job }}{{ end }}', "nodenode"),
        ("{{ if $value | gt 0.1 }}a{{ else }}b{{ end }}", "b"),
        (
            '{{ ("-30m" | parseDuration | toDuration | (1353755652 | toTime).Add).UnixMilli }}',
            "1353753852000",
        ),
        ("text {{ if eq 1 1 }}\nyes\n{{- end }} tail", "text \nyes tail"),
        (
            "{{ 0x10 }} {{ 1_000 }} {{ 'a' }} {{ 1e3 }} {{ 1.50 }} {{ true }}",
            "16 1000 97 1000 1.5 true",
        ),
        ('{{ print "a" "b" 1 2 }}', "ab1 2"),
        ('{{ println 1 "a" 2.0 }}', "1 a 2\n"),
        ('{{ not 0 }} {{ and 1 0 2 }} {{ or 0 "" "z" }}', "true 0 z"),
        ('{{ eq $labels.job "a" "node" }}', "true"),
        ("{{ $labels.job | len | eq 4 }}", "true"),
        ('{{ ne $value 0.0 }} {{ le 1 2 }} {{ ge "b" "a" }}', "true true true"),
        ("{{ eq nil nil }}", "true"),
        ("{{ print nil }}", "<nil>"),
        ('{{ args 1 "b" }}', "map[arg0:1 arg1:b]"),
        ("{{ (args 1).arg5 }}", "<no value>"),
        ('{{ index (args 1) "zz" }}', "<no value>"),
        ('{{ index $labels "nope" }}', ""),
        ('{{ index "abc" 1 }}', "98"),
        ('{{ template "a" }}{{ define "a" }}[{{ . }}]{{ end }}', "[<no value>]"),
        ("{{- /* c */ -}} x", "x"),
        ('{{ printf "%T %T %T %T" 1 1.0 "a" $labels }}', "int float64 string map[string]string"),
        ('{{ urlquery "a/b c" }} {{ urlQueryEscape "a b&c" }}', "a%2Fb+c a+b%26c"),
        ("{{ js \"<a href='x'>\" }}", "\\u003Ca href\\u003D\\'x\\'\\u003E"),
        ('{{ html "<" 1 2 "&" }}', "&lt;1 2&amp;"),
        (
            "{{ (toTime 0).Month }} {{ (toTime 0).Weekday }} {{ (toTime 60).Sub (toTime 0) }}",
            "January Thursday 1m0s",
        ),
        ("{{ (toTime 0).AddDate 1.0 2 3 }}", "1971-03-04 00:00:00 +0000 UTC"),
        (
            "{{ (toDuration 0.0015).Milliseconds }} {{ toDuration 0.0000015 }} "
            "{{ (toDuration 90.6).Round 1000000000 }}",
            "1 1.5µs 1m31s",
        ),
        ("{{ $labels.quantile | toTime }}", "1970-01-01 00:00:00.99 +0000 UTC"),
        ('{{ parseDuration "1h30m" }}', "5400"),
        ('{{ printf "%0.2f" (parseDuration "-1h2m10ms") }}', "-3720.01"),
        ('{{ "aa bb CC" | title }} {{ "aA bB" | toLower }}', "Aa Bb CC aa bb"),
        (
            '{{ define "x" }}{{ .arg0 }} {{ .arg1 }}{{ end }}{{ template "x" (args 1 "2") }}',
            "1 2",
        ),
    ],
)
def test_worked_examples(text: str, filled: str) -> None:
    assert fill(text) == filled


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        ('"%d" 3.0', "%!d(float64=3)"),
        ('"%s" $value', "%!s(float64=0.123456789)"),
        ('"%f" 1', "%!f(int=1)"),
        ('"%s" true', "%!s(bool=true)"),
        ('"%d" "x"', "%!d(string=x)"),
        ('"%z" 1', "%!z(int=1)"),
        ('"%d %d" 1', "1 %!d(MISSING)"),
        ('"%d" 1 2', "1%!(EXTRA int=2)"),
        ('"%"', "%!(NOVERB)"),
        ('"%v" nil', "<nil>"),
        ('"%5.1f|%-8s|%08.3f|%x" 3.14159 "ab" 2.5 "hi"', "  3.1|ab      |0002.500|6869"),
        ('"%+d %x %X %o %b %#x" 5 255 255 8 5 255', "+5 ff FF 10 101 0xff"),
        ('"%*d %[2]d %[1]d" 5 3', "    3 3 5"),
        ('"%t %c %U %q" true 65 65 65', "true A U+0041 'A'"),
        (
            '"%g %e %f %G" 1234567.0 1234567.0 1234567.0 1e21',
            "1.234567e+06 1.234567e+06 1234567.000000 1E+21",
        ),
    ],
)
def test_printf(call: str, printed: str) -> None:
    assert fill(f"{{{{ printf {call} }}}}") == printed


@pytest.mark.parametrize(
    ("value", "short", "binary", "duration", "percentage"),
    [
        ("0", "0", "0", "0s", "0%"),
        ("1234567.0", "1.235M", "1.177Mi", "14d 6h 56m 7s", "1.235e+08%"),
        (".12", "120m", "0.12", "120ms", "12%"),
        ("999.99", "1000", "1000", "16m 39s", "1e+05%"),
        ("-1536.0", "-1.536k", "-1.5ki", "-25m 36s", "-1.536e+05%"),
        ("60.5", "60.5", "60.5", "1m 0s", "6050%"),
    ],
)
def test_humanized_numbers(
    value: str, short: str, binary: str, duration: str, percentage: str
) -> None:
    assert fill(f"{{{{ humanize {value} }}}}") == short
    assert fill(f"{{{{ humanize1024 {value} }}}}") == binary
    assert fill(f"{{{{ humanizeDuration {value} }}}}") == duration
    assert fill(f"{{{{ humanizePercentage {value} }}}}") == percentage


WHERE = "error executing template __alert_X: template: __alert_X"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{{ humanize "one" }}',
            f'{WHERE}:1:115: executing "__alert_X" at <humanize "one">: error calling humanize: '
            'strconv.ParseFloat: parsing "one": invalid syntax',
        ),
        (
            '{{ query "nothing" | first }}',
            f'{WHERE}:1:133: executing "__alert_X" at <first>: error calling first: '
            "first() called on vector with no elements",
        ),
        (
            "{{ if gt $value 1 }}x{{ end }}",
            f'{WHERE}:1:118: executing "__alert_X" at <gt $value 1>: error calling gt: '
            "incompatible types for comparison: float64 and int",
        ),
        (
            "{{ $labels.job.x }}",
            f'{WHERE}:1:122: executing "__alert_X" at <$labels.job.x>: '
            "can't evaluate field x in type string",
        ),
        (
            'x\ny {{ humanize "x" }}',
            f'{WHERE}:2:5: executing "__alert_X" at <humanize "x">: error calling humanize: '
            'strconv.ParseFloat: parsing "x": invalid syntax',
        ),
        (
            "{{ toUpper $value }}",
            f'{WHERE}:1:123: executing "__alert_X" at <$value>: '
            "wrong type for value; expected string; got float64",
        ),
        (
            "{{ $value | toUpper }}",
            f'{WHERE}:1:124: executing "__alert_X" at <toUpper>: '
            "wrong type for value; expected string; got float64",
        ),
        (
            '{{ template "nope" }}',
            f'{WHERE}:1:124: executing "__alert_X" at <{{{{template "nope"}}}}>: '
            'template "nope" not defined',
        ),
        (
            "{{ $labl }}",
            'error parsing template __alert_X: template: __alert_X:1: undefined variable "$labl"',
        ),
    ],
)
def test_errors_say_where_in_the_original_s_words(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        fill(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ eq 1 1.0 }}", "incompatible types for comparison: int and float64"),
        ('{{ "x" $value }}', 'can\'t give argument to non-function "x"'),
        ('{{ $labels.job "x" }}', "job is not a method but has arguments"),
        ("{{ call $value }}", "error calling call: non-function $value of type float64"),
        (
            "{{ humanizeDuration (toDuration 90) }}",
            "error calling humanizeDuration: can't convert *time.Duration to float",
        ),
        ('{{ query "bad(" }}', "error calling query: 1:5: parse error: unexpected end of input"),
        ("{{ .Nope }}", "can't evaluate field Nope in type struct { Labels map[string]string; "),
        ("{{ range $value }}{{ end }}", "range can't iterate over 0.123456789"),
        ("{{ humanize }}", "wrong number of args for humanize: want 1 got 0"),
    ],
)
def test_mistakes_at_execution(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        fill(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
        "{{ range $i := 1000000000 }}x{{ end }}",
        "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
    ],
)
def test_a_hostile_template_ends_with_one_error(text: str) -> None:
    with pytest.raises(TemplateError):
        fill(text)


def test_what_a_rule_file_is_refused_for() -> None:
    check_template('{{ humanize "x" }}{{ template "nope" }}', name="__alert_X")
    with pytest.raises(TemplateError, match='function "tmpl" not defined'):
        check_template("{{ tmpl 1 2 }}", name="__alert_X")


def test_a_width_has_a_bound() -> None:
    assert len(fill('{{ printf "%999999999d" 1 }}')) < 100
