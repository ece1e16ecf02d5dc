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
from waybill.sample_commands import is_shipped, removed_command

OBSERVED = ("load", "consume", "check", "train", "score", "export")  # OpenLineage events: the others see to it
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
        "psql": Entry("warehouse.__main__:psql", '-c "select * from marts.cafes"', "Open psql, read-only."),
        "pgadmin": Entry("warehouse.pgadmin.__main__:pgadmin", "up", "Open pgAdmin on the warehouse, read-only."),
        "backup": Entry(
            "pipeline.backups.command:backup", "backups --keep 7", "Back up warehouse, models and declarations."
        ),
        "restore": Entry(
            "pipeline.backups.restoring.command:restore", "backups", "Restore a backup into an empty warehouse."
        ),
        "drill": Entry(
            "pipeline.backups.drilling.command:drill", "backups", "Try out whether a backup can be restored."
        ),
        "reset": Entry("warehouse.__main__:reset", "", "Drop all tables and start with an empty warehouse."),
        "destroy": Entry("warehouse.__main__:remove", "", "Stop the embedded server and delete its data."),
    },
    "Load": {
        "sample": Entry("data.sample.__main__:sample", "", "Build the sample data in data/raw."),
        "new": Entry(
            "pipeline.modelling.command:new", "restaurants restaurants.ndjson", "Model a new source from its documents."
        ),
        "adopt": Entry(
            "pipeline.modelling.adopting.command:adopt", "restaurants /stars", "Add fields that arrived to the models."
        ),
        "rename": Entry(
            "pipeline.modelling.renaming.command:rename", "restaurants eateries", "Give a source another name."
        ),
        "remove": Entry(
            "pipeline.modelling.removing.command:remove", "restaurants", "Take a source out of the project."
        ),
        "load": Entry("loader.__main__:load", "cafes data/raw/cafes", "Land JSON files in the raw tables."),
        "rejects": Entry("loader.__main__:rejects", "cafes", "List or export the documents that were rejected."),
        "replay": Entry("loader.__main__:replay", "cafes", "Land rejected documents that pass now."),
        "undo": Entry("loader.__main__:undo", "data/raw/orders/2026-01.ndjson", "Take back what a load landed."),
        "erase": Entry(
            "pipeline.erasing.command:erase", "orders A-1042", "Erase documents, and all that was made of them."
        ),
        "drift": Entry("loader.__main__:drift", "cafes", "List the fields that no contract names."),
        "why": Entry(
            "pipeline.tracing.command:why", "data/raw/cafes/cafes.ndjson:12", "Show what became of a document."
        ),
    },
    "Stream": {
        "produce": Entry("streaming.producer:main", "orders --rate 1000", "Send the documents of files to a topic."),
        "consume": Entry("streaming.consumer:main", "orders --until-end", "Land a topic in its raw table."),
        "message": Entry("streaming.message:main", "orders:0:1477", "Show one message as the topic holds it."),
        "broker": Entry("streaming.broker:broker", "up", "Start, stop and look at the local Kafka broker."),
    },
    "Transform and check": {
        "run": Entry("pipeline.__main__:run_stages", "", "Run all stages in order, or the ones you name."),
        "dbt": Entry("pipeline.dbt.command:dbt", "build --select orders", "Run dbt on the warehouse."),
        "sources": Entry(
            "pipeline.dbt.sources:sources", "--write", "List the sources; write the files that dbt reads."
        ),
        "check": Entry(
            "pipeline.alerts.command:check", "", "Say what needs attention, or validate the raw tables or marts."
        ),
        "export": Entry("pipeline.export.export:main", "", "Write the cleaned documents to data/processed."),
        "airflow": Entry("pipeline.airflow.__main__:airflow", "up", "Run the stages on a schedule, with Airflow."),
    },
    "Model": {
        "new-task": Entry(
            "ml.proposing.command:new_task",
            "cancelled --table fct_orders --label is_cancelled",
            "Propose a task that predicts a column of a mart.",
        ),
        "train": Entry("ml.train:main", "", "Train the model."),
        "score": Entry("ml.score:main", "", "Write predictions."),
        "serve": Entry("ml.api.command:main", "--port 8501", "Answer HTTP requests with predictions."),
        "verify": Entry("ml.checking.command:verify", "returns", "Say whether a model's file, code and rows changed."),
        "model-drift": Entry("ml.drift.command:model_drift", "returns", "Compare rows since training with training."),
        "models": Entry("ml.registry.command:models", "returns", "List the models of a task, with their verdicts."),
        "promote": Entry("ml.registry.command:promote", "returns 01a22714", "Make another model the current one."),
        "rollback": Entry("ml.registry.command:rollback", "returns", "Make the model before the current one again."),
    },
    "Look": {
        "demo": Entry("pipeline.showcase.demo:main", "", "Run every stage on the small sample, in its own database."),
        "stream": Entry("pipeline.showcase.stream:main", "--rate 2000", "Replay a month as messages, live to marts."),
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
        return [name for name, entry in ENTRIES.items() if _is_there(entry)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and let its help open with an example that can be typed in this shell."""
        if cmd_name not in ENTRIES:
            return None
        if cmd_name not in self.commands:
            removed = removed_command(cmd_name, ENTRIES[cmd_name].path.partition(":")[0])
            self.commands[cmd_name] = removed or _with_example(cmd_name, _imported(ENTRIES[cmd_name].path))
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
                formatter.write_dl([(f"{name:<10}", entry.does) for name, entry in entries.items() if _is_there(entry)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin with `incomplete`, without importing them."""
        found = [
            CompletionItem(name, help=entry.does)
            for name, entry in ENTRIES.items()
            if name.startswith(incomplete) and _is_there(entry)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def _is_there(entry: Entry) -> bool:
    """Return True unless the command was removed with the sample."""
    return is_shipped(entry.path.partition(":")[0])


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
    help=f"\b\nExample: {shown_command('demo' if _is_there(ENTRIES['demo']) else 'run')}\n\n"
    "Raw JSON in, tested tables and a trained model out, and every row accounted for on the way.",
    epilog=f"`{shown_command('COMMAND --help')}` shows a command's options. "
    f'Completion: eval "$({shown_command("completion bash")})"',
)
@click.pass_context
def waybill(ctx: click.Context) -> None:
    """Show the help when no command is named."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    elif ctx.invoked_subcommand in OBSERVED:
        import_module("pipeline.openlineage.switch").send_events()


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
