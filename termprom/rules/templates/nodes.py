"""The syntax tree of a template.

Every node knows its position (characters from 0) and prints itself in canonical form, because both
are part of error messages. Positions are the original's, oddities included: that of `$x.A.B` is
the second component's.
"""

from __future__ import annotations

from dataclasses import dataclass

from termprom.rules.templates.quoting import go_quote

# --- Operands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identifier:
    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.A.B`: the name with its dollar sign, then fields."""

    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Field:
    """`.A.B`: fields of dot."""

    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipe).A.B`: fields of anything else."""

    position: int
    node: Operand
    names: tuple[str, ...]

    def __str__(self) -> str:
        node = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return node + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Dot:
    position: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    position: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Bool:
    position: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Number:
    """A literal and everything that it could be; which one it is depends on where it stands."""

    position: int
    text: str
    as_int: int | None = None  # fits int64
    as_uint: int | None = None  # fits uint64
    as_float: float | None = None
    as_complex: complex | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def is_spelled_float(self) -> bool:
        """Whether the spelling alone makes it a float."""
        if self.as_float is None or self.text.startswith("'"):
            return False
        is_hex = self.text[:2].lower() == "0x" and not set(self.text) & set("pP")
        return not is_hex and bool(set(self.text) & set(".eEpP"))


@dataclass(frozen=True, slots=True)
class String:
    position: int
    literal: str
    value: str

    def __str__(self) -> str:
        return self.literal


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands from left to right, each result the last argument of the next."""

    position: int
    commands: tuple[Command, ...]
    declared: tuple[Variable, ...] = ()
    assigns: bool = False

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.declared:
            return text
        sign = "=" if self.assigns else ":="
        return f"{', '.join(map(str, self.declared))} {sign} {text}"


Operand = Identifier | Variable | Field | Chain | Dot | Nil | Bool | Number | String | Pipe


@dataclass(frozen=True, slots=True)
class Command:
    position: int
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(f"({one})" if isinstance(one, Pipe) else str(one) for one in self.operands)


# --- Statements -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    position: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class If:
    position: int
    pipe: Pipe
    then: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class With:
    position: int
    pipe: Pipe
    then: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class Range:
    position: int
    pipe: Pipe
    body: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class Break:
    position: int


@dataclass(frozen=True, slots=True)
class Continue:
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """`{{template "name" pipe}}`."""

    position: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = "" if self.pipe is None else f" {self.pipe}"
        return f"{{{{template {go_quote(self.name)}{argument}}}}}"


Statement = Text | Action | If | With | Range | Break | Continue | Call
Block = tuple[Statement, ...]
Node = Operand | Command | Statement


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text and the named templates that it defines, the main one under its own name."""

    name: str
    text: str
    blocks: dict[str, Block]


def is_empty(block: Block) -> bool:
    """Whether a block would print white space at most."""
    return all(isinstance(one, Text) and not one.text.strip() for one in block)
