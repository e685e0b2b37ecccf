"""The one exception family: what went wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from .record import record


class VinocError(RuntimeError):
    """A problem a person can act on. A RuntimeError, as programs written for OpenVINO expect.

    `what` is one sentence, `where` names the place (file, node, option), `help` says what to do.
    """

    exit_code = 1

    def __init__(self, what: str, where: str | None = None, help: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.help = help

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  help: {self.help}" if self.help else text


class UsageError(VinocError):
    """The command line or the arguments of a call are wrong."""

    exit_code = 2


class ArgumentTypeError(UsageError, TypeError):
    """An argument of a call is of a type that it cannot be of."""


class ModelError(VinocError):
    """A model file is damaged or breaks the rules of its format."""


class InferenceError(VinocError):
    """An operation cannot take these operands. Raised by `Op.infer` with `what` alone."""


class EvaluationError(VinocError):
    """An operation cannot be computed on these arrays."""


class VerificationError(VinocError):
    """A graph breaks an invariant: the fault of the pass or frontend that made it so."""

    exit_code = 70


class Unsupported(VinocError):
    """A construct that vinoc knows it does not handle."""


@record(frozen=True)
class Problem:
    """One row of a report: the kind of operation concerned, and the error that it met."""

    op: str
    node: str
    what: str
    inputs: str = ""
    help: str | None = None


class ConversionError(VinocError):
    """All that is wrong with a model, in one report."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        n = len(self.problems)
        super().__init__(f"{n} problem{'s' if n != 1 else ''} in the model", file)

    def __str__(self) -> str:
        lines = [f"{self.file}: {self.what}"]
        for p in self.problems:
            head = f"node '{p.node}' ({p.op})" if p.node else p.op
            lines.append(f"  {head}: {p.what}" + (f"  [inputs: {p.inputs}]" if p.inputs else ""))
            if p.help:
                lines.append(f"    help: {p.help}")
        return "\n".join(lines)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest known name, or an empty string."""
    from difflib import get_close_matches  # few processes need it

    names = list(known)
    near = [k for k in names if k.lower() == name.lower()] or get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def nearest(name: str, known: Iterable[str], listed: str = "there are") -> str:
    """Help for a name that is not known: the nearest one that is, or all of them."""
    names = list(known)
    return did_you_mean(name, names) or f"{listed} {', '.join(names) or 'none'}"


def check_known(what: str, name: str, known: Collection[str], where: str | None = None) -> None:
    """Raises UsageError with `nearest` where a name is not known: no `what` is called so."""
    if name not in known:
        raise UsageError(f"no {what} '{name}'", where, nearest(name, known))
