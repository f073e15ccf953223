"""Tables for people, CSV and JSON for programs, and the place where records are kept.

A row is a dictionary, a table a list of lines of cells. Records are only added, never changed.
"""

import csv
import json
import re

import machine


def dig(value, path):
    """What lies at a path of names, or nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def taken(runs, columns, middle):
    """The middle of all runs for each column, which is a name and a path into icap-load's JSON."""
    found = {}
    for column, path in columns:
        values = [value for value in (dig(run, path) for run in runs) if value is not None]
        found[column] = middle(values) if values else None
    return found


def aligned(lines):
    """Lines of cells as a table; the first line is its head."""
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in ruled
    )


def show(value, digits, divisor=1):
    return "-" if value is None else f"{value / divisor:,.{digits}f}"


def times(value):
    return "-" if value is None else f"x{value:.2f}"


def show_size(size):
    for shift, unit in ((20, "MiB"), (10, "KiB")):
        if size >= 1 << shift and size % (1 << shift) == 0:
            return f"{size >> shift} {unit}"
    return f"{size} B"


def tidy(value):
    return round(value, 4) if isinstance(value, float) else value


def record(folders, name, about, columns, rows, table, picture):
    """Writes a run as CSV, facts, table and plot; the paths.

    `folders` are `perf`, and the folder for runs that are not to be kept (or nothing: this one is).
    """
    here, instead = folders
    folder = instead or here / "record" / machine.folder_name(about)
    folder.mkdir(parents=True, exist_ok=True)
    commit = re.sub(r"[^0-9a-zA-Z.-]+", "-", about["commit"]) or "unknown"
    stem = f"{about['date'].replace(':', '')}-{commit}-{name}"
    paths = [folder / f"{stem}{suffix}" for suffix in (".csv", ".json", ".md", ".svg")]
    with open(paths[0], "x", newline="", encoding="ascii") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({column: tidy(row[column]) for column in columns} for row in rows)
    with open(paths[1], "x", encoding="ascii") as file:
        json.dump(about, file, indent=2)
        file.write("\n")
    with open(paths[2], "x", encoding="ascii") as file:
        file.write("".join(f"- {fact}: {value}\n" for fact, value in about.items()))
        file.write("\n" + table + "\n")
    with open(paths[3], "x", encoding="ascii") as file:
        file.write(picture)
    return paths
