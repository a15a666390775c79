"""Executing a parsed template.

The evaluator keeps the node that it last looked at, in the original's order; an error names that
node and its place, which makes the text of errors come out right without further bookkeeping.
What the original leaves unbounded is bounded here: steps, the size of the output and of values,
and the depth of templates that call each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NoReturn, assert_never

from termprom import limits
from termprom.errors import TemplateError
from termprom.rules.templates import builtins, nodes
from termprom.rules.templates.arguments import Misfit, fitted, ideal, literal, nil
from termprom.rules.templates.failure import FunctionFailure
from termprom.rules.templates.function import Function, Type
from termprom.rules.templates.methods import method_of
from termprom.rules.templates.nodes import Block, Node, Operand, Pipe, Statement, Template
from termprom.rules.templates.quoting import go_quote
from termprom.rules.templates.show import show
from termprom.rules.templates.values import (
    NIL,
    NOTHING,
    AnyMap,
    Sample,
    SampleList,
    StringMap,
    Value,
    field_of,
    is_int,
    is_true,
    type_name,
)


class _Missing:
    """No value was piped into a command; unlike NOTHING, which may well be piped."""


_MISSING: Final = _Missing()


class _BreakLoop(Exception):
    pass


class _ContinueLoop(Exception):
    pass


def execute(template: Template, data: Value, functions: Mapping[str, Function]) -> str:
    """The output of the template's main part. Raises TemplateError."""
    output: list[str] = []
    _Run(template, functions, output).template(template.name, data)
    return "".join(output)


def _reflected(value: Value) -> str:
    """A piped value where the original wants its name."""
    return value if isinstance(value, str) else f"<{type_name(value)} Value>"


class _Run:
    def __init__(
        self, template: Template, functions: Mapping[str, Function], output: list[str]
    ) -> None:
        self._template = template
        self._functions = functions
        self._output = output
        self._written = 0
        self._steps = 0
        self._depth = 0
        self._name = template.name  # of the template that runs: errors tell
        self._node: Node | None = None
        self._variables: list[tuple[str, Value]] = []

    # --- Errors -------------------------------------------------------------------------------

    def _at(self, node: Node) -> None:
        self._node = node
        self._steps += 1
        if self._steps > limits.TEMPLATE_STEPS_MAX:
            self._fail(f"exceeded {limits.TEMPLATE_STEPS_MAX} steps")

    def _fail(self, message: str) -> NoReturn:
        name = self._template.name
        assert self._node is not None
        before = self._template.text[: self._node.position]
        line = before.count("\n") + 1
        # Columns count bytes.
        column = len(before[before.rfind("\n") + 1 :].encode(errors="surrogateescape"))
        raise TemplateError(
            f"template: {name}:{line}:{column}: executing {go_quote(self._name)} "
            f"at <{self._node}>: {message}"
        )

    def _write(self, text: str) -> None:
        self._written += len(text)
        if self._written > limits.TEMPLATE_TEXT_MAX:
            self._fail("output is too long")
        self._output.append(text)

    # --- Statements ---------------------------------------------------------------------------

    def template(self, name: str, dot: Value) -> None:
        outside = self._name, self._variables
        self._name, self._variables = name, [("$", dot)]
        self._depth += 1
        self._walk(dot, self._template.blocks[name])
        self._depth -= 1
        self._name, self._variables = outside

    def _walk(self, dot: Value, block: Block) -> None:
        for statement in block:
            self._statement(dot, statement)

    def _statement(self, dot: Value, node: Statement) -> None:
        self._at(node)
        match node:
            case nodes.Text():
                self._write(node.text)
            case nodes.Action():
                value = self._pipe(dot, node.pipe)
                if not node.pipe.declared:
                    self._at(node)
                    self._print(value)
            case nodes.If() | nodes.With():
                mark = len(self._variables)
                value = self._pipe(dot, node.pipe)
                if is_true(value):
                    self._walk(value if isinstance(node, nodes.With) else dot, node.then)
                elif node.otherwise is not None:
                    self._walk(dot, node.otherwise)
                del self._variables[mark:]
            case nodes.Range():
                self._range(dot, node)
            case nodes.Call():
                self._call_template(dot, node)
            case nodes.Break():
                raise _BreakLoop
            case nodes.Continue():
                raise _ContinueLoop
            case _:
                assert_never(node)

    def _print(self, value: Value) -> None:
        try:
            self._write(show(value, nested=False))
        except FunctionFailure as problem:
            self._fail(str(problem))

    def _call_template(self, dot: Value, node: nodes.Call) -> None:
        if node.name not in self._template.blocks:
            self._fail(f"template {go_quote(node.name)} not defined")
        if self._depth >= limits.TEMPLATE_CALLS_MAX:
            self._fail(f"exceeded maximum template depth ({limits.TEMPLATE_CALLS_MAX})")
        argument = NOTHING if node.pipe is None else self._pipe(dot, node.pipe)
        self.template(node.name, argument)

    def _range(self, dot: Value, node: nodes.Range) -> None:
        mark = len(self._variables)
        value = self._pipe(dot, node.pipe)
        entries = self._entries(value, node)
        inside = len(self._variables)
        empty = True
        try:
            for key, element in entries:
                empty = False
                self._steps += 1
                self._bind(node.pipe, key, element)
                try:
                    self._walk(element, node.body)
                except _ContinueLoop:
                    pass
                finally:
                    del self._variables[inside:]
        except _BreakLoop:
            pass
        if empty and node.otherwise is not None:
            self._walk(dot, node.otherwise)
        del self._variables[mark:]

    def _entries(self, value: Value, node: nodes.Range) -> Iterable[tuple[Value, Value]]:
        if isinstance(value, StringMap | AnyMap):
            return sorted(value.items(), key=lambda entry: entry[0].encode("utf-8", "replace"))
        if isinstance(value, SampleList):
            return enumerate(value)
        if value is NOTHING:
            return ()
        if is_int(value):
            if len(node.pipe.declared) > 1:
                shown = show(value)
                self._fail(f"can't use {shown} to iterate over more than one variable")
            return ((NOTHING, one) for one in range(value))
        nested = not isinstance(value, Sample)  # the loop looks behind a sample's pointer
        self._fail(f"range can't iterate over {show(value, nested=nested)}")

    def _bind(self, pipe: Pipe, key: Value, element: Value) -> None:
        """The loop's variables: one takes the element, two take the key and the element."""
        if not pipe.declared:
            return
        names = [variable.names[0] for variable in pipe.declared]
        values = [element] if len(names) == 1 else [key, element]
        if pipe.assigns:
            for name, value in zip(names, values, strict=True):
                self._assign(name, value)
            return
        count = len(names)
        self._variables[-count:] = zip(names, values, strict=True)

    # --- Variables ----------------------------------------------------------------------------

    def _assign(self, name: str, value: Value) -> None:
        for index in reversed(range(len(self._variables))):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        self._fail(f"undefined variable: {name}")

    def _lookup(self, name: str) -> Value:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        self._fail(f"undefined variable: {name}")

    # --- Pipelines ----------------------------------------------------------------------------

    def _pipe(self, dot: Value, pipe: Pipe) -> Value:
        self._at(pipe)
        value: Value = _MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
            if value is NIL:
                value = NOTHING
        for variable in pipe.declared:
            if pipe.assigns:
                self._assign(variable.names[0], value)
            else:
                self._variables.append((variable.names[0], value))
        return value

    def _command(self, dot: Value, command: nodes.Command, final: Value) -> Value:
        first = command.operands[0]
        match first:
            case nodes.Field() | nodes.Chain() | nodes.Variable():
                return self._fields(dot, first, command.operands, final)
            case nodes.Identifier():
                return self._function(dot, first, command, command.operands, final)
            case Pipe():
                self._no_arguments(command.operands, final)
                return self._pipe(dot, first)
        self._at(first)
        self._no_arguments(command.operands, final)
        match first:
            case nodes.Dot():
                return dot
            case nodes.Nil():
                self._fail("nil is not a command")
            case nodes.Bool() | nodes.Number() | nodes.String():
                try:
                    return ideal(first)
                except Misfit as problem:
                    self._fail(str(problem))
            case _:
                assert_never(first)

    def _no_arguments(self, operands: tuple[Operand, ...], final: Value) -> None:
        if len(operands) > 1 or final is not _MISSING:
            self._fail(f"can't give argument to non-function {operands[0]}")

    # --- Fields -------------------------------------------------------------------------------

    def _fields(
        self,
        dot: Value,
        node: nodes.Field | nodes.Chain | nodes.Variable,
        operands: tuple[Operand, ...],
        final: Value,
    ) -> Value:
        self._at(node)
        names = node.names
        match node:
            case nodes.Field():
                value = dot
            case nodes.Variable():
                value = self._lookup(names[0])
                names = names[1:]
                if not names:
                    self._no_arguments(operands, final)
                    return value
            case nodes.Chain():
                if isinstance(node.node, nodes.Nil):
                    self._fail(f"indirection through explicit nil in {node}")
                value = self._chained(dot, node.node)
        kind = type_name(value)
        for name in names[:-1]:
            value, kind = self._field(dot, name, node, (), _MISSING, value, kind)
        return self._field(dot, names[-1], node, operands, final, value, kind)[0]

    def _chained(self, dot: Value, node: Operand) -> Value:
        self._at(node)
        if isinstance(node, Pipe):
            return self._pipe(dot, node)
        assert isinstance(node, nodes.Identifier), "the parser chains nothing else"
        return self._function(dot, node, node, (), _MISSING)

    def _field(
        self,
        dot: Value,
        name: str,
        node: Node,
        operands: tuple[Operand, ...],
        final: Value,
        receiver: Value,
        kind: str,
    ) -> tuple[Value, str]:
        """One field and the type that messages give it: that of the place, not of its content."""
        if receiver is NOTHING:
            return NOTHING, kind
        if receiver is NIL:
            self._fail(f"nil pointer evaluating {kind}.{name}")
        method = method_of(receiver, name)
        if isinstance(method, str):
            self._fail(method)
        if method is not None:
            result = self._call(dot, method, node, name, operands, final)
            return result, type_name(result)
        has_arguments = len(operands) > 1 or final is not _MISSING
        found = field_of(receiver, name)
        if found is not None:
            if has_arguments:
                self._fail(f"{name} has arguments but cannot be invoked as function")
            return found, "interface {}" if name == "Value" else type_name(found)
        if isinstance(receiver, StringMap | AnyMap):
            if has_arguments:
                self._fail(f"{name} is not a method but has arguments")
            if isinstance(receiver, AnyMap):
                return receiver.get(name, NIL), "interface {}"
            return receiver.get(name, ""), "string"
        self._fail(f"can't evaluate field {name} in type {kind}")

    # --- Calls --------------------------------------------------------------------------------

    def _function(
        self,
        dot: Value,
        node: nodes.Identifier,
        whole: Node,
        operands: tuple[Operand, ...],
        final: Value,
    ) -> Value:
        self._at(node)
        return self._call(dot, self._functions[node.name], whole, node.name, operands, final)

    def _call(
        self,
        dot: Value,
        function: Function,
        whole: Node,
        name: str,
        operands: tuple[Operand, ...],
        final: Value,
    ) -> Value:
        given = operands[1:]
        self._count(function, name, len(given), piped=final is not _MISSING)
        builtin = isinstance(whole, nodes.Command | nodes.Identifier)
        if builtin and name in ("and", "or"):
            return self._short_circuit(dot, given, final, stop=name == "or")
        parameters = function.parameters
        values = [
            self._argument(dot, operand, parameters[min(index, len(parameters) - 1)])
            for index, operand in enumerate(given)
        ]
        if final is not _MISSING:
            values.append(self._fit(final, parameters[min(len(given), len(parameters) - 1)]))
        try:
            if builtin and name == "call":
                shown = str(given[0]) if given else _reflected(final)
                return builtins.call(shown, values[0])
            result = function.call(*values)
            if isinstance(result, str) and len(result) > limits.TEMPLATE_TEXT_MAX:
                raise FunctionFailure("text is too long")
        except FunctionFailure as problem:
            self._at(whole)
            self._fail(f"error calling {name}: {problem}")
        return result

    def _count(self, function: Function, name: str, given: int, *, piped: bool) -> None:
        wanted = len(function.parameters) - function.variadic
        count = given + piped
        if function.variadic:
            if count < wanted:
                self._fail(f"wrong number of args for {name}: want at least {wanted} got {given}")
        elif count != wanted:
            self._fail(f"wrong number of args for {name}: want {wanted} got {count}")

    def _short_circuit(
        self, dot: Value, given: tuple[Operand, ...], final: Value, *, stop: bool
    ) -> Value:
        value: Value = NOTHING
        for operand in given:
            value = self._argument(dot, operand, Type.ANY)
            if is_true(value) == stop:
                return value
        return value if final is _MISSING else self._fit(final, Type.ANY)

    def _argument(self, dot: Value, node: Operand, wanted: Type) -> Value:
        self._at(node)
        try:
            match node:
                case nodes.Bool() | nodes.Number() | nodes.String():
                    return literal(node, wanted)
                case nodes.Nil():
                    return nil(wanted)
                case nodes.Dot():
                    value = dot
                case nodes.Field() | nodes.Variable() | nodes.Chain():
                    value = self._fields(dot, node, (node,), _MISSING)
                case Pipe():
                    value = self._pipe(dot, node)
                case nodes.Identifier():
                    value = self._function(dot, node, node, (), _MISSING)
                case _:
                    assert_never(node)
            return fitted(value, wanted)
        except Misfit as problem:
            self._fail(str(problem))

    def _fit(self, value: Value, wanted: Type) -> Value:
        try:
            return fitted(value, wanted)
        except Misfit as problem:
            self._fail(str(problem))
