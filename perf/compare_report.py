"""From results to a table, a CSV file, a plot and a record of where they were measured."""

import csv
import json
import math
import pathlib
import re

import compare_database
import machine

# What is taken from icap-load's JSON: column, path, digits.
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
COLOURS = {"baleen": "#0b6e99", "c-icap echo": "#c98a2b", "c-icap virus_scan": "#a63d40"}


def parse(text):
    """One result of icap-load."""
    return json.loads(text)


def progress(number, rounds, cell, server, result):
    mark = "" if result["is_right"] else f"  WRONG {result['wrong']} {result['unanswered']}"
    print(
        f"round {number}/{rounds}  {cell.group:4} {cell.mode:7} {cell.content:10} "
        f"{show_size(cell.size):>8} {cell.infected:>2} %  {server.name:18} "
        f"{result['requests_per_s']:>10.1f} /s{mark}",
        flush=True,
    )


def rows(cells, results, middle):
    """One row for each cell and server: the middle of the rounds for every column."""
    servers = list(dict.fromkeys(server for _, server in results))
    made = []
    for cell in cells:
        for server in servers:
            runs = results.get((cell.key(), server))
            if runs:
                made.append(row(cell, server, runs, middle))
    for entry in made:
        ours = [other for other in made if same_cell(other, entry) and other["server"] == "baleen"]
        entry["baleen_times"] = ratio(ours[0], entry) if ours else None
    return made


def row(cell, server, runs, middle):
    entry = dict(zip(KEYS, cell.key())) | {"server": server, "rounds": len(runs)}
    entry["is_right"] = all(run["is_right"] for run in runs)
    for column, path in COLUMNS:
        values = [value for value in (dig(run, path) for run in runs) if value is not None]
        # A wrong answer has no speed.
        entry[column] = middle(values) if values and entry["is_right"] else None
    if entry["resident_peak_mib"] is not None:
        entry["resident_peak_mib"] /= 1 << 20
    for column in ("no_content", "echo", "blocked"):
        entry[column] = sum(run[column] for run in runs)
    return entry


def dig(value, path):
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def same_cell(first, second):
    return all(first[key] == second[key] for key in KEYS)


def ratio(ours, other):
    """How many requests of Baleen's for one of the other's."""
    if not ours["requests_per_s"] or not other["requests_per_s"]:
        return None
    return ours["requests_per_s"] / other["requests_per_s"]


def table(entries):
    heads = ["group", "mode", "body", "inf.", "server", "req/s", "MiB/s", "CPU us/req",
             "CPU s/GiB", "p50 ms", "p99 ms", "verdict p50 ms", "MiB RSS", "204/echo/block",
             "Baleen is"]
    lines = [heads]
    for entry in entries:
        lines.append([
            entry["group"], entry["mode"], f"{show_size(entry['size'])} {entry['content']}",
            f"{entry['infected']} %", entry["server"],
            show(entry["requests_per_s"], 1), show(entry["sent_mib_per_s"], 1),
            show(entry["server_cpu_us_per_request"], 1), show(entry["server_cpu_s_per_gib"], 3),
            show(entry["whole_p50_us"], 3, 1e3), show(entry["whole_p99_us"], 3, 1e3),
            show(entry["verdict_p50_us"], 3, 1e3), show(entry["resident_peak_mib"], 1),
            f"{entry['no_content']}/{entry['echo']}/{entry['blocked']}",
            "WRONG" if not entry["is_right"] else times(entry["baleen_times"]),
        ])
    widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines
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


def facts(root, tools, rounds):
    """Where and with what it was measured."""
    database = tools_database(root)
    return machine.facts() | {
        "tcp_congestion": pathlib.Path(
            "/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
        "server_core": tools.server_core,
        "load_core": tools.load_core,
        "connections": tools.connections,
        "rounds": rounds,
        "baleen": machine.output(tools.baleen, "--version") if tools.baleen else None,
        "c_icap": machine.package("c-icap"),
        "virus_scan": machine.package("libc-icap-mod-virus-scan"),
        "clamd": machine.package("clamav-daemon"),
        "database_sha256": compare_database.digest(database) if database else None,
        "icap_load": machine.output(tools.icap_load, "--version"),
    }


def tools_database(root):
    found = sorted((root / "perf" / "out").glob("database-*/clamav"))
    return found[-1] if found else None


def record(here, out, entries, about, keep):
    """Writes CSV, facts and plot; records are only added, never changed."""
    folder = out
    if keep:
        folder = here / "record" / machine.folder_name(about)
    folder.mkdir(parents=True, exist_ok=True)
    commit = re.sub(r"[^0-9a-zA-Z.-]+", "-", about["commit"]) or "unknown"
    stem = f"{about['date'].replace(':', '')}-{commit}-compare"
    paths = [folder / f"{stem}{suffix}" for suffix in (".csv", ".json", ".md", ".svg")]
    with open(paths[0], "x", newline="", encoding="ascii") as file:
        columns = ["server", *KEYS, "rounds", "is_right", *[name for name, _ in COLUMNS],
                   "no_content", "echo", "blocked", "baleen_times"]
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: tidy(entry[name]) for name in columns} for entry in entries)
    with open(paths[1], "x", encoding="ascii") as file:
        json.dump(about, file, indent=2)
        file.write("\n")
    with open(paths[2], "x", encoding="ascii") as file:
        file.write("".join(f"- {name}: {value}\n" for name, value in about.items()))
        file.write("\n" + table(entries) + "\n")
    with open(paths[3], "x", encoding="ascii") as file:
        file.write(plot(entries, about))
    return paths


def tidy(value):
    return round(value, 4) if isinstance(value, float) else value


# The plot: a panel for each kind of row, bars of requests per second on a log scale.

PANEL_WIDTH, PANEL_HEIGHT, PANEL_GAP = 400, 220, 100
LEFT, TOP, BOTTOM, LINE_GAP = 80, 90, 20, 90
PER_LINE = 3


def plot(entries, about):
    panels = list(dict.fromkeys(panel_of(entry) for entry in entries))
    lines = math.ceil(len(panels) / PER_LINE)
    across = min(len(panels), PER_LINE)
    width = LEFT + across * (PANEL_WIDTH + PANEL_GAP)
    height = TOP + lines * (PANEL_HEIGHT + LINE_GAP) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(LEFT, 28, "ICAP requests per second on one core (log scale)", size=18),
        text(LEFT, 48, f"{about['cpu']}, Linux {about['kernel']}, {about['date']}, "
                       f"commit {about['commit']}, median of {about['rounds']}", fill="#555555"),
    ]
    servers = list(dict.fromkeys(entry["server"] for entry in entries))
    for index, server in enumerate(servers):
        x = LEFT + index * 170
        parts.append(f'<rect x="{x}" y="60" width="12" height="12" fill="{colour(server)}"/>')
        parts.append(text(x + 18, 71, server))
    for index, name in enumerate(panels):
        x = LEFT + index % PER_LINE * (PANEL_WIDTH + PANEL_GAP)
        y = TOP + 20 + index // PER_LINE * (PANEL_HEIGHT + LINE_GAP)
        parts += panel(x, y, name, [entry for entry in entries if panel_of(entry) == name])
    return "\n".join(parts + ["</svg>", ""])


def panel_of(entry):
    what = {"204": "204 allowed", "echo": "200 echo", "preview": "in the preview"}[entry["mode"]]
    infected = f", {entry['infected']} % infected" if entry["infected"] else ""
    return f"{entry['group']}: {what}, {entry['content']}{infected}"


def panel(x, y, name, entries):
    """One set of axes with grouped bars."""
    values = [entry["requests_per_s"] for entry in entries if entry["requests_per_s"]]
    low = math.floor(math.log10(min(values, default=1)))
    high = max(math.ceil(math.log10(max(values, default=10)) + 0.1), low + 1)
    bottom = y + PANEL_HEIGHT

    def level(value):
        return bottom - (math.log10(value) - low) / (high - low) * PANEL_HEIGHT

    parts = [text(x, y - 10, name, size=13)]
    for power in range(low, high + 1):
        at = level(10.0**power)
        parts.append(f'<line x1="{x}" y1="{at:.1f}" x2="{x + PANEL_WIDTH}" y2="{at:.1f}" '
                     'stroke="#dddddd"/>')
        label = f"{10.0**power:g}" if power < 0 else f"{10**power:,}"
        parts.append(text(x - 6, at + 4, label, anchor="end"))
    parts.append(f'<line x1="{x}" y1="{y}" x2="{x}" y2="{bottom}" stroke="#333333"/>')
    parts.append(f'<line x1="{x}" y1="{bottom}" x2="{x + PANEL_WIDTH}" y2="{bottom}" '
                 'stroke="#333333"/>')
    sizes = list(dict.fromkeys(entry["size"] for entry in entries))
    room = PANEL_WIDTH / len(sizes)
    for index, size in enumerate(sizes):
        group = [entry for entry in entries if entry["size"] == size]
        bar = min(room * 0.8 / len(group), 60)
        start = x + index * room + (room - bar * len(group)) / 2
        for number, entry in enumerate(group):
            at, value = start + number * bar, entry["requests_per_s"]
            if value:
                top = level(value)
                parts.append(f'<rect x="{at:.1f}" y="{top:.1f}" width="{bar - 4:.1f}" '
                             f'height="{bottom - top:.1f}" fill="{colour(entry["server"])}"/>')
            label = compact(value) if value else "wrong"
            top = level(value) if value else bottom
            parts.append(text(at + bar / 2 - 2, top - 4, label, anchor="middle", size=10))
        parts.append(text(x + (index + 0.5) * room, bottom + 16, show_size(size), anchor="middle"))
    parts.append(text(x + PANEL_WIDTH / 2, bottom + 34, "body size", anchor="middle",
                      fill="#555555"))
    parts.append(f'<text x="{x - 58}" y="{y + PANEL_HEIGHT / 2}" text-anchor="middle" '
                 f'fill="#555555" transform="rotate(-90 {x - 58} {y + PANEL_HEIGHT / 2})">'
                 'requests/s</text>')
    return parts


def text(x, y, content, anchor="start", size=12, fill="#222222"):
    content = content.replace("&", "&amp;").replace("<", "&lt;")
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{fill}">{content}</text>')


def colour(server):
    return COLOURS.get(server, "#666666")


def compact(value):
    for divisor, unit in ((1e6, "M"), (1e3, "k")):
        if value >= divisor:
            return f"{value / divisor:.1f}{unit}"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
