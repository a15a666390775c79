"""From tokens to a tree: recursive descent with the original's look-ahead and messages.

Variables and function names are resolved here already, so both are mistakes that a rule file is
refused for.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from termprom import limits
from termprom.errors import TemplateError
from termprom.rules.templates import nodes
from termprom.rules.templates.failure import parse_failure
from termprom.rules.templates.lexer import tokenize
from termprom.rules.templates.literals import number
from termprom.rules.templates.nodes import Block, Command, Operand, Pipe, Statement, Template
from termprom.rules.templates.quoting import go_quote, unquote
from termprom.rules.templates.tokens import Kind, Token

_OPERANDS: Final = frozenset(
    (
        Kind.BOOL,
        Kind.CHAR_CONSTANT,
        Kind.COMPLEX,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.LEFT_PAREN,
    )
)
_NOT_EXECUTABLE: Final = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)


def parse(name: str, text: str, functions: Container[str]) -> Template:
    """The templates in `text`. Raises TemplateError with the place of the first mistake."""
    parser = _Parser(name, text, functions)
    try:
        parser.run()
    except RecursionError:
        raise TemplateError(f"template: {name}: max expression depth exceeded") from None
    return Template(name, text, parser.blocks)


class _Closed:
    """What ended a list of statements: `{{end}}` or `{{else}}`."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        self.blocks: dict[str, Block] = {}
        self._name = name
        self._functions = functions
        self._tokens = tokenize(text)
        self._next = 0
        self._read = -1  # the furthest token looked at: errors carry its line
        self._variables = ["$"]
        self._range_depth = 0
        self._depth = 0
        self._action_line = 0

    # --- Tokens -------------------------------------------------------------------------------

    def _take(self) -> Token:
        token = self._peek()
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _peek(self) -> Token:
        self._read = max(self._read, self._next)
        return self._tokens[self._next]

    def _take_solid(self) -> Token:
        """The next token that is not white space."""
        self._peek_solid()
        return self._take()

    def _peek_solid(self) -> Token:
        while self._peek().kind is Kind.SPACE:
            self._take()
        return self._peek()

    def _fail(self, message: str) -> NoReturn:
        raise parse_failure(self._name, self._tokens[self._read].line, message)

    def _unexpected(self, token: Token, context: str) -> NoReturn:
        if token.kind is not Kind.ERROR:
            self._fail(f"unexpected {token} in {context}")
        extra = ""
        if self._action_line not in (0, token.line):
            extra = f" in action started at {self._name}:{self._action_line}"
            if token.text.endswith(" action"):
                extra = extra.removeprefix(" in action")
        self._fail(f"{token}{extra}")

    def _expect(self, kind: Kind, context: str) -> Token:
        token = self._take_solid()
        if token.kind is not kind:
            self._unexpected(token, context)
        return token

    # --- Statements ---------------------------------------------------------------------------

    def run(self) -> None:
        found: list[Statement] = []
        while self._peek().kind is not Kind.EOF:
            if self._peek().kind is Kind.LEFT:
                mark = self._next
                self._take()
                if self._take_solid().kind is Kind.DEFINE:
                    self._definition()
                    continue
                self._next = mark
            one = self._text_or_action()
            if isinstance(one, _Closed):
                self._fail(f"unexpected {one.text}")
            found.append(one)
        self._define(self._name, tuple(found))

    def _definition(self) -> None:
        context = "define clause"
        token = self._take_solid()
        name = self._template_name(token, context)
        self._expect(Kind.RIGHT, context)
        self._define(name, self._own_body(context))

    def _own_body(self, context: str) -> Block:
        """The body of a named template, which sees no variables but its own."""
        outside = self._variables, self._range_depth
        self._variables, self._range_depth = ["$"], 0
        body, closed = self._list()
        if closed.text != "{{end}}":
            self._fail(f"unexpected {closed.text} in {context}")
        self._variables, self._range_depth = outside
        return body

    def _define(self, name: str, body: Block) -> None:
        old = self.blocks.get(name)
        if old is None or nodes.is_empty(old):
            self.blocks[name] = body
        elif not nodes.is_empty(body):
            self._fail(f"template: multiple definition of template {go_quote(name)}")

    def _list(self) -> tuple[Block, _Closed]:
        found: list[Statement] = []
        while self._peek_solid().kind is not Kind.EOF:
            one = self._text_or_action()
            if isinstance(one, _Closed):
                return tuple(found), one
            found.append(one)
        self._fail("unexpected EOF")

    def _text_or_action(self) -> Statement | _Closed:
        token = self._take_solid()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.position, token.text)
        if token.kind is not Kind.LEFT:
            self._unexpected(token, "input")
        self._action_line = token.line
        try:
            return self._action()
        finally:
            self._action_line = 0

    def _action(self) -> Statement | _Closed:
        token = self._peek_solid()
        match token.kind:
            case Kind.BLOCK:
                self._take()
                return self._block()
            case Kind.BREAK | Kind.CONTINUE:
                self._take()
                return self._leave(token)
            case Kind.ELSE:
                self._take()
                # `else if` and `else with` leave their keyword for whoever reads the list.
                if self._peek_solid().kind not in (Kind.IF, Kind.WITH):
                    self._expect(Kind.RIGHT, "else")
                return _Closed("{{else}}")
            case Kind.END:
                self._take()
                self._expect(Kind.RIGHT, "end")
                return _Closed("{{end}}")
            case Kind.IF:
                self._take()
                return nodes.If(*self._control("if"))
            case Kind.WITH:
                self._take()
                return nodes.With(*self._control("with"))
            case Kind.RANGE:
                self._take()
                return nodes.Range(*self._control("range"))
            case Kind.TEMPLATE:
                self._take()
                return self._template()
            case _:
                return nodes.Action(token.position, self._pipeline("command", Kind.RIGHT))

    def _leave(self, token: Token) -> Statement:
        what = f"{{{{{token.text}}}}}"
        closing = self._take_solid()
        if closing.kind is not Kind.RIGHT:
            self._unexpected(closing, what)
        if not self._range_depth:
            self._fail(f"{what} outside {{{{range}}}}")
        if token.kind is Kind.BREAK:
            return nodes.Break(token.position)
        return nodes.Continue(token.position)

    def _control(self, context: str) -> tuple[int, Pipe, Block, Block | None]:
        declared = len(self._variables)
        with self._deeper():
            pipe = self._pipeline(context, Kind.RIGHT)
            self._range_depth += context == "range"
            body, closed = self._list()
            self._range_depth -= context == "range"
            otherwise: Block | None = None
            if closed.text == "{{else}}":
                otherwise = self._otherwise(context)
        del self._variables[declared:]
        return pipe.position, pipe, body, otherwise

    def _otherwise(self, context: str) -> Block:
        """What follows `{{else`: one more structure that shares the `{{end}}`, or a list."""
        kind = self._peek().kind
        if context == "if" and kind is Kind.IF:
            self._take()
            return (nodes.If(*self._control("if")),)
        if context == "with" and kind is Kind.WITH:
            self._take()
            return (nodes.With(*self._control("with")),)
        body, closed = self._list()
        if closed.text != "{{end}}":
            self._fail(f"expected end; found {closed.text}")
        return body

    def _block(self) -> Statement:
        context = "block clause"
        token = self._take_solid()
        name = self._template_name(token, context)
        pipe = self._pipeline(context, Kind.RIGHT)
        self._define(name, self._own_body(context))
        return nodes.Call(token.position, name, pipe)

    def _template(self) -> Statement:
        context = "template clause"
        token = self._take_solid()
        name = self._template_name(token, context)
        pipe: Pipe | None = None
        if self._peek_solid().kind is Kind.RIGHT:
            self._take()
        else:
            pipe = self._pipeline(context, Kind.RIGHT)
        return nodes.Call(token.position, name, pipe)

    def _template_name(self, token: Token, context: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            self._unexpected(token, context)
        return self._unquote(token)

    def _unquote(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except ValueError as problem:
            self._fail(str(problem))

    # --- Pipelines ----------------------------------------------------------------------------

    def _pipeline(self, context: str, end: Kind) -> Pipe:
        position = self._peek_solid().position
        declared, assigns = self._declarations(context)
        commands: list[Command] = []
        while True:
            token = self._peek_solid()
            if token.kind is end:
                self._take()
                self._check(commands, context)
                return Pipe(position, tuple(commands), tuple(declared), assigns)
            if token.kind not in _OPERANDS:
                self._take()
                self._unexpected(token, context)
            commands.append(self._command())

    def _declarations(self, context: str) -> tuple[list[nodes.Variable], bool]:
        """`$x :=`, `$x =`, and in a range `$i, $x :=`; whether they assign."""
        declared: list[nodes.Variable] = []
        while self._peek_solid().kind is Kind.VARIABLE:
            mark = self._next
            variable = self._take()
            following = self._peek_solid()
            is_comma = following.kind is Kind.CHAR and following.text == ","
            if following.kind not in (Kind.ASSIGN, Kind.DECLARE) and not is_comma:
                self._next = mark
                break
            self._take()
            declared.append(nodes.Variable(variable.position, (variable.text,)))
            self._variables.append(variable.text)
            if not is_comma:
                return declared, following.kind is Kind.ASSIGN
            if context != "range" or len(declared) >= 2:
                self._fail(f"too many declarations in {context}")
            if self._peek_solid().kind not in (Kind.VARIABLE, Kind.RIGHT, Kind.RIGHT_PAREN):
                self._fail("range can only initialize variables")
        return declared, False

    def _check(self, commands: list[Command], context: str) -> None:
        if not commands:
            self._fail(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.operands[0], _NOT_EXECUTABLE):
                self._fail(f"non executable command in pipeline stage {stage}")

    def _command(self) -> Command:
        position = self._peek_solid().position
        operands: list[Operand] = []
        while True:
            self._peek_solid()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._peek()
            if token.kind is Kind.SPACE:
                self._take()
                continue
            if token.kind not in (Kind.RIGHT, Kind.RIGHT_PAREN):
                self._take()
                if token.kind is not Kind.PIPE:
                    self._unexpected(token, "operand")
            break
        if not operands:
            self._fail("empty command")
        return Command(position, tuple(operands))

    def _operand(self) -> Operand | None:
        node = self._term()
        if node is None or self._peek().kind is not Kind.FIELD:
            return node
        position = self._peek().position
        names: list[str] = []
        while self._peek().kind is Kind.FIELD:
            names.append(self._take().text[1:])
        match node:
            case nodes.Field():
                return nodes.Field(position, (*node.names, *names))
            case nodes.Variable():
                return nodes.Variable(position, (*node.names, *names))
            case nodes.Bool() | nodes.String() | nodes.Number() | nodes.Nil() | nodes.Dot():
                self._fail(f"unexpected . after term {go_quote(str(node))}")
            case _:
                return nodes.Chain(position, node, tuple(names))

    def _term(self) -> Operand | None:
        token = self._peek_solid()
        if token.kind not in _OPERANDS:
            return None
        self._take()
        match token.kind:
            case Kind.IDENTIFIER:
                if token.text not in self._functions:
                    self._fail(f"function {go_quote(token.text)} not defined")
                return nodes.Identifier(token.position, token.text)
            case Kind.DOT:
                return nodes.Dot(token.position)
            case Kind.NIL:
                return nodes.Nil(token.position)
            case Kind.VARIABLE:
                if token.text not in self._variables:
                    self._fail(f"undefined variable {go_quote(token.text)}")
                return nodes.Variable(token.position, (token.text,))
            case Kind.FIELD:
                return nodes.Field(token.position, (token.text[1:],))
            case Kind.BOOL:
                return nodes.Bool(token.position, token.text == "true")
            case Kind.LEFT_PAREN:
                with self._deeper():
                    return self._pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
            case Kind.STRING | Kind.RAW_STRING:
                return nodes.String(token.position, token.text, self._unquote(token))
            case _:
                try:
                    return number(token)
                except ValueError as problem:
                    self._fail(str(problem))

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """One level of nesting more; the original has room for more than any template needs."""
        if self._depth >= limits.TEMPLATE_NESTING_MAX:
            self._fail("max expression depth exceeded")
        self._depth += 1
        yield
        self._depth -= 1
