"""`waybill`, the one command. It names every command by its dotted path and imports a command only to run it."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import copy
import difflib
import inspect
import os
import sys
from dataclasses import dataclass
from importlib import import_module

import click
from click.shell_completion import CompletionItem, get_completion_class, shell_complete

from waybill.cli import run, shown_command

COMPLETION = "_WAYBILL_COMPLETE"  # the variable in which the shell asks for completions


@dataclass(frozen=True)
class Entry:
    """A command: the module and attribute that hold it, its arguments in an example, and one line for the list."""

    path: str
    example: str
    does: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Warehouse": {
        "up": Entry("warehouse.__main__:up", "", "Start the warehouse and bring its tables up to date."),
        "down": Entry("warehouse.__main__:down", "", "Stop the warehouse. The data stays."),
        "status": Entry("warehouse.__main__:status", "", "Show where the warehouse is and what it holds."),
        "psql": Entry("warehouse.__main__:psql", '-c "select * from marts.dim_airlines"', "Open psql, read-only."),
        "pgadmin": Entry("warehouse.pgadmin.__main__:pgadmin", "up", "Open pgAdmin on the warehouse, read-only."),
        "reset": Entry("warehouse.__main__:reset", "", "Drop all tables and start with an empty warehouse."),
        "destroy": Entry("warehouse.__main__:remove", "", "Stop the embedded server and delete its data."),
    },
    "Load": {
        "sample": Entry("data.sample.__main__:sample", "", "Build the sample data in data/raw."),
        "new": Entry(
            "pipeline.modelling.command:new", "restaurants restaurants.ndjson", "Model a new source from its documents."
        ),
        "load": Entry("loader.__main__:load", "flights data/raw/flights", "Land JSON files in the raw tables."),
        "rejects": Entry("loader.__main__:rejects", "flights", "List or export the documents that were rejected."),
        "replay": Entry("loader.__main__:replay", "flights", "Land rejected documents that pass now."),
        "undo": Entry("loader.__main__:undo", "data/raw/flights/2013-01.ndjson", "Take back what a load landed."),
        "drift": Entry("loader.__main__:drift", "flights", "List the fields that no contract names."),
        "why": Entry("loader.__main__:why", "data/raw/raw.json:12", "Show what became of a document."),
    },
    "Stream": {
        "produce": Entry("streaming.producer:main", "flights --rate 1000", "Send the documents of files to a topic."),
        "consume": Entry("streaming.consumer:main", "flights --until-end", "Land a topic in its raw table."),
        "message": Entry("streaming.message:main", "flights:0:1477", "Show one message as the topic holds it."),
        "broker": Entry("streaming.broker:broker", "up", "Start, stop and look at the local Kafka broker."),
    },
    "Transform and check": {
        "run": Entry("pipeline.__main__:run_stages", "", "Run all stages in order, or the ones you name."),
        "dbt": Entry("pipeline.dbt.command:dbt", "build --select fct_flights", "Run dbt on the warehouse."),
        "sources": Entry(
            "pipeline.dbt.sources:sources", "--write", "List the sources; write the files that dbt reads."
        ),
        "check": Entry("expectations.__main__:main", "raw", "Validate the raw tables or the marts."),
        "export": Entry("pipeline.export.export:main", "", "Write the cleaned documents to data/processed."),
    },
    "Model": {
        "train": Entry("ml.train:main", "", "Train the model."),
        "score": Entry("ml.score:main", "", "Write predictions."),
    },
    "Look": {
        "demo": Entry("pipeline.showcase.demo:main", "", "Run every stage on the small sample, in its own database."),
        "stream": Entry("pipeline.showcase.stream:main", "--rate 2000", "Replay December as messages, live to marts."),
        "report": Entry("pipeline.report.page:main", "", "Write the report page."),
        "conso": Entry("pipeline.conso:main", "-- make dbt", "Measure time, CPU, memory, disk and energy."),
        "completion": Entry("waybill.__main__:completion", "bash", "Print the completion script of your shell."),
    },
}
ENTRIES = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class Commands(click.Group):
    """A group whose commands are imported when they are called. Its list and completion import none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and let its help open with an example that can be typed in this shell."""
        if cmd_name not in ENTRIES:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _with_example(cmd_name, _imported(ENTRIES[cmd_name].path))
        return self.commands[cmd_name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name.

        Raises:
            click.UsageError: there is no such command. The message suggests the nearest one.
        """
        if args[0] not in ENTRIES and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], ENTRIES, n=1)
            advice = f"did you mean `{shown_command(near[0])}`?" if near else f"`{shown_command('--help')}` lists them"
            raise click.UsageError(f"there is no command {args[0]!r}: {advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by job, without importing them."""
        for section, entries in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(f"{name:<10}", entry.does) for name, entry in entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin with `incomplete`, without importing them."""
        found = [
            CompletionItem(name, help=entry.does) for name, entry in ENTRIES.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def _imported(path: str) -> click.Command:
    module, _, attribute = path.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def _with_example(name: str, command: click.Command) -> click.Command:
    """Return a copy of a command whose help opens with its example, instead of its own example."""
    shown = copy.copy(command)
    example = f"Example: {shown_command(name)} {ENTRIES[name].example}".rstrip()
    paragraphs = [
        part
        for part in inspect.cleandoc(command.help or "").split("\n\n")
        if not part.removeprefix("\b\n").startswith("Example: ")
    ]
    shown.help = "\n\n".join([f"\b\n{example}", *paragraphs])
    return shown


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"\b\nExample: {shown_command('demo')}\n\n"
    "Raw JSON in, tested tables and a trained model out, and every row accounted for on the way.",
    epilog=f"`{shown_command('COMMAND --help')}` shows a command's options. "
    f'Completion: eval "$({shown_command("completion bash")})"',
)
@click.pass_context
def waybill(ctx: click.Context) -> None:
    """Show the help when no command is named."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash, zsh:  eval "$(waybill completion bash)"     in ~/.bashrc or ~/.zshrc
    fish:       waybill completion fish | source      in ~/.config/fish/config.fish
    """
    found = get_completion_class(shell)
    if found:
        click.echo(found(waybill, {}, "waybill", COMPLETION).source())


def main() -> None:
    """Answer the shell's request for completions, or run the command that the arguments name."""
    asked = os.environ.get(COMPLETION)
    if asked:
        sys.exit(shell_complete(waybill, {}, "waybill", COMPLETION, asked))
    if not sys.argv[1:] or sys.argv[1] not in ENTRIES:  # help or a mistake: needs no settings
        run(waybill, shown_command(), needs_settings=False)
    waybill.get_command(click.Context(waybill), sys.argv[1])  # imported while ctrl-C still ends the process at once
    run(waybill, shown_command())


if __name__ == "__main__":
    main()
