"""`vinoc accuracy`: the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...compiler.cli.options import FILE, SETTINGS, debug, every
from ..words import ToolCommand, spelled

if TYPE_CHECKING:
    from .results import Outcome


class AccuracyCommand(ToolCommand):
    many = frozenset({"models", "devices", "tags", "launchers"})
    switches = frozenset({"shuffle", "async_mode"})


OPTIONS = every(
    spelled("c", "config", "config", type=FILE, required=True, metavar="FILE", help="The configuration."),
    spelled("m", "models", "models", type=FILE, multiple=True, metavar="PATH...",
            help="Folders that models are in; or models, where the configuration names none."),
    spelled("s", "source", "source", type=FILE, metavar="DIR", help="The folder that data are in."),
    spelled("a", "annotations", "annotations", type=FILE, metavar="DIR", help="The folder that annotations are in."),
    spelled("model_attributes", "attributes", type=FILE, metavar="DIR",
            help="The folder that vocabularies and other files of models are in."),
    spelled("d", "definitions", "definitions", type=FILE, metavar="FILE", help="Definitions of data sets."),
    spelled("launchers", "launchers", multiple=True, metavar="NAME...",
            help="Run everything by these, whatever `framework` says: vinoc onnxruntime openvino."),
    spelled("td", "target_devices", "devices", multiple=True, metavar="DEVICE...", help="Only on these devices."),
    spelled("tf", "target_framework", "framework", metavar="NAME", help="Only launchers of this framework."),
    spelled("tt", "target_tags", "tags", multiple=True, metavar="TAG...", help="Only launchers with such a tag."),
    spelled("b", "batch", "batch", type=click.IntRange(1), metavar="N", help="Samples of one inference."),
    spelled("num_requests", "requests", type=click.IntRange(1), metavar="N", help="Inferences at a time."),
    spelled("async_mode", "async_mode", type=bool, default=None, metavar="[BOOL]", help="Several at a time."),
    spelled("dc", "device_config", "device_config", type=FILE, metavar="FILE", help="Properties of devices, YAML."),
    spelled("ss", "subsample_size", "subsample_size", metavar="N|P%", help="So many samples, or a share of them."),
    spelled("shuffle", "shuffle", type=bool, default=None, metavar="[BOOL]",
            help="Choose them at random, else the first ones."),
    spelled("seed", "seed", type=click.IntRange(0), metavar="N", help="Of the choice [666]."),
    spelled("csv", "csv_result", "csv", type=FILE, metavar="FILE", help="Write a row for each metric."),
    spelled("json", "json", type=FILE, metavar="FILE", help="Write all results."),
    spelled("html", "html", type=FILE, metavar="FILE", help="Write a page with tables and pictures."),
    spelled("save_results", "save_results", type=FILE, metavar="FILE", help="Write predictions of each sample, JSON."),
    spelled("parts", "parts", is_flag=True, help="Tell the metrics of each class as well."),
    spelled("ignore_metric_reference", "ignore_reference", is_flag=True, help="Compare with no references."),
)  # fmt: skip


@click.command(cls=AccuracyCommand, context_settings=SETTINGS, short_help="Measure how right a model is.")
@OPTIONS
@debug
def command(config: Path, **given: Any) -> None:
    """Evaluates models on labelled data, as a configuration of Accuracy Checker's says.

    The exit code is 1 where a metric misses its reference, or an evaluation cannot be done.

    vinoc accuracy -c config.yml -m models -s data
    """
    from ...compiler.cli.console import bars
    from ...compiler.paths import check_file
    from .config.read import read_config
    from .config.request import Request
    from .run import run_all

    for option, suffixes in (("csv", ()), ("json", ()), ("html", (".html",)), ("save_results", ())):
        check_file(given[option], f"--{option}", suffixes)
    same = {f.name for f in fields(Request)} & set(given)
    plan = read_config(Request(config=config, **{name: given[name] for name in same}))
    for remark in plan.remarks:
        _warn(remark)
    with bars() as tick:
        outcomes, failed = run_all(
            plan,
            _warn,
            lambda e: partial(tick, f"{e.model} by {e.launcher.name}"),
            keep=given["save_results"] is not None,
        )
    _print(outcomes, given["parts"])
    _write(outcomes, failed, given, config)
    for evaluation, error in failed:
        print(f"error: {evaluation.model} by {evaluation.launcher.name}: {error}", file=sys.stderr)
    if failed or not all(o.passed for o in outcomes):
        sys.exit(1)


def _warn(text: str) -> None:
    print(f"remark: {text}", file=sys.stderr)


def _print(outcomes: list[Outcome], with_parts: bool) -> None:
    from ...compiler.cli.console import print_table
    from .table import comparison, groups, parts, references

    for group in groups(outcomes):
        print(f"{group[0].dataset}:")
        print_table(*comparison(group))
    for outcome in outcomes:
        for head, rows in parts(outcome) if with_parts else ():
            print(f"{outcome.model} by {outcome.launcher} on {outcome.dataset}:")
            print_table(head, rows)
        for note in dict.fromkeys([*outcome.remarks, *(n for f in outcome.findings for n in f.result.notes)]):
            print(f"{outcome.model} by {outcome.launcher}: {note}")
    head, rows = references(outcomes)
    if rows:
        print("references:")
        print_table(head, rows)


def _write(outcomes: list[Outcome], failed: list[Any], given: dict[str, Any], config: Path) -> None:
    """All files that are asked for, together."""
    from ...backends.files import written_together
    from .run import as_json
    from .save import saved
    from .table import to_csv, to_page

    makers: dict[str, Callable[[], str]] = {
        "csv": lambda: to_csv(outcomes),
        "json": lambda: json.dumps(as_json(outcomes, failed), indent=1) + "\n",
        "html": lambda: to_page(outcomes, f"Accuracy: {config.name}").html(),
        "save_results": lambda: json.dumps(saved(outcomes)) + "\n",
    }
    wanted = {given[name]: made for name, made in makers.items() if given[name] is not None}
    with written_together(list(wanted)) as files:
        for file, made in zip(files, wanted.values(), strict=True):
            file.write(made().encode())
    for path in wanted:
        print(f"written: {path}")
