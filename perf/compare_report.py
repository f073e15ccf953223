"""From results to a table, a CSV file, a plot and a record of where they were measured."""

import json
import pathlib

import compare_database
import machine
import plot
import results

# What is taken from icap-load's JSON: column, path.
COLUMNS = [
    ("requests_per_s", ("requests_per_s",)),
    ("sent_mib_per_s", ("sent_mib_per_s",)),
    ("server_cpu_us_per_request", ("server_cpu", "us_per_request")),
    ("server_cpu_s_per_gib", ("server_cpu", "s_per_gib")),
    ("load_cpu_us_per_request", ("own_cpu", "us_per_request")),
    ("whole_p50_us", ("whole_us", "p50")),
    ("whole_p99_us", ("whole_us", "p99")),
    ("verdict_p50_us", ("verdict_us", "p50")),
    ("verdict_p99_us", ("verdict_us", "p99")),
    ("resident_peak_mib", ("server_resident_peak_bytes",)),
]

KEYS = ["group", "mode", "content", "size", "infected"]
MIB = 1 << 20


def parse(text):
    """One result of icap-load."""
    return json.loads(text)


def progress(number, rounds, cell, server, result):
    mark = "" if result["is_right"] else f"  WRONG {result['wrong']} {result['unanswered']}"
    print(
        f"round {number}/{rounds}  {cell.group:4} {cell.mode:7} {cell.content:10} "
        f"{results.show_size(cell.size):>8} {cell.infected:>2} %  {server.name:18} "
        f"{result['requests_per_s']:>10.1f} /s{mark}",
        flush=True,
    )


def rows(cells, found, middle):
    """One row for each cell and server: the middle of the rounds for every column."""
    servers = list(dict.fromkeys(server for _, server in found))
    made = []
    for cell in cells:
        for server in servers:
            runs = found.get((cell.key(), server))
            if runs:
                made.append(row(cell, server, runs, middle))
    for entry in made:
        ours = [other for other in made if same_cell(other, entry) and other["server"] == "baleen"]
        entry["baleen_times"] = ratio(ours[0], entry) if ours else None
    return made


def row(cell, server, runs, middle):
    entry = dict(zip(KEYS, cell.key())) | {"server": server, "rounds": len(runs)}
    entry["is_right"] = all(run["is_right"] for run in runs)
    # A wrong answer has no speed.
    entry |= results.taken(runs if entry["is_right"] else [], COLUMNS, middle)
    if entry["resident_peak_mib"] is not None:
        entry["resident_peak_mib"] /= MIB
    for column in ("no_content", "echo", "blocked"):
        entry[column] = sum(run[column] for run in runs)
    return entry


def same_cell(first, second):
    return all(first[key] == second[key] for key in KEYS)


def ratio(ours, other):
    """How many requests of Baleen's for one of the other's."""
    if not ours["requests_per_s"] or not other["requests_per_s"]:
        return None
    return ours["requests_per_s"] / other["requests_per_s"]


def table(entries):
    lines = [["group", "mode", "body", "inf.", "server", "req/s", "MiB/s", "CPU us/req",
              "CPU s/GiB", "p50 ms", "p99 ms", "verdict p50 ms", "MiB RSS", "204/echo/block",
              "Baleen is"]]
    show = results.show
    for entry in entries:
        lines.append([
            entry["group"], entry["mode"],
            f"{results.show_size(entry['size'])} {entry['content']}",
            f"{entry['infected']} %", entry["server"],
            show(entry["requests_per_s"], 1), show(entry["sent_mib_per_s"], 1),
            show(entry["server_cpu_us_per_request"], 1), show(entry["server_cpu_s_per_gib"], 3),
            show(entry["whole_p50_us"], 3, 1e3), show(entry["whole_p99_us"], 3, 1e3),
            show(entry["verdict_p50_us"], 3, 1e3), show(entry["resident_peak_mib"], 1),
            f"{entry['no_content']}/{entry['echo']}/{entry['blocked']}",
            "WRONG" if not entry["is_right"] else results.times(entry["baleen_times"]),
        ])
    return results.aligned(lines)


def facts(tools, rounds, database=None):
    """Where and with what it was measured."""
    return machine.facts() | {
        "tcp_congestion": pathlib.Path(
            "/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
        "server_core": tools.server_core,
        "load_core": tools.load_core,
        "rounds": rounds,
        "baleen": machine.output(tools.baleen, "--version") if tools.baleen else None,
        "c_icap": machine.package("c-icap"),
        "virus_scan": machine.package("libc-icap-mod-virus-scan"),
        "clamd": machine.package("clamav-daemon"),
        "database_sha256": compare_database.digest(database) if database else None,
        "icap_load": machine.output(tools.icap_load, "--version") if tools.icap_load else None,
    }


def record(folders, entries, about):
    """Writes the run; the paths."""
    columns = ["server", *KEYS, "rounds", "is_right", *[name for name, _ in COLUMNS],
               "no_content", "echo", "blocked", "baleen_times"]
    picture = plot.page("ICAP requests per second on one core (log scale)", about, panels(entries))
    return results.record(folders, "compare", about, columns, entries, table(entries), picture)


def panels(entries):
    """A panel for each kind of row, a group of bars for each size."""
    made = []
    for name in dict.fromkeys(panel_of(entry) for entry in entries):
        own = [entry for entry in entries if panel_of(entry) == name]
        groups = [
            (results.show_size(size),
             [(entry["server"], entry["requests_per_s"]) for entry in own if entry["size"] == size])
            for size in dict.fromkeys(entry["size"] for entry in own)
        ]
        made.append(plot.Panel(name, "requests/s", "body size", groups))
    return made


def panel_of(entry):
    what = {"204": "204 allowed", "echo": "200 echo", "preview": "in the preview"}[entry["mode"]]
    infected = f", {entry['infected']} % infected" if entry["infected"] else ""
    return f"{entry['group']}: {what}, {entry['content']}{infected}"
