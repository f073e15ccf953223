"""From the results of perf/scenarios to a table, a plot and a record.

A row belongs to one scenario and one server. What went wrong, or was done otherwise for this server, is in
its column `note`; a row with a wrong answer has no figures.
"""

import plot
import results
import scenario_peers

# What is taken from icap-load's JSON: column, path.
COLUMNS = [
    ("rate_per_s", ("rate_per_s",)),
    ("requests_per_s", ("requests_per_s",)),
    ("sent_mib_per_s", ("sent_mib_per_s",)),
    ("server_cpu_us_per_request", ("server_cpu", "us_per_request")),
    ("server_cpu_s_per_gib", ("server_cpu", "s_per_gib")),
    ("whole_p50_us", ("whole_us", "p50")),
    ("whole_p99_us", ("whole_us", "p99")),
    ("whole_p999_us", ("whole_us", "p99.9")),
    ("whole_max_us", ("whole_us", "max")),
    ("verdict_p50_us", ("verdict_us", "p50")),
    ("verdict_p99_us", ("verdict_us", "p99")),
    ("resident_peak_bytes", ("server_resident_peak_bytes",)),
    ("beside_mib_per_s", ("beside", "sent_mib_per_s")),
    ("window_s", ("window_s",)),
    ("load_user_s", ("own_cpu", "user_s")),
    ("load_system_s", ("own_cpu", "system_s")),
]
COUNTS = ["no_content", "echo", "blocked", "unanswered"]
UNITS = {
    "requests_per_s": "requests/s", "sent_mib_per_s": "MiB/s",
    "whole_p99_us": "p99, microseconds", "whole_p999_us": "p99.9, microseconds",
}
# A generator that is busier than this measures itself.
LOAD_CPU_PERCENT_MAX = 90


def brief(result):
    """One line for the one who waits."""
    whole = result["whole_us"]
    mark = "" if result["is_right"] else f"  WRONG {result['wrong']} {result['unanswered']}"
    return (f"{result['requests_per_s']:>10.1f} /s {result['sent_mib_per_s']:>8.1f} MiB/s  "
            f"p50 {whole['p50'] / 1e3:.2f} p99 {whole['p99'] / 1e3:.2f} ms{mark}")


def rows(scenarios, found, middle):
    """One row for each scenario and server, with Baleen's ratio to it."""
    made = []
    for scenario in scenarios:
        own = [row(scenario, server, runs, middle)
               for (name, server), runs in found.items() if name == scenario.name]
        ours = [entry for entry in own if entry["server"] == "baleen"]
        for entry in own:
            entry["baleen_times"] = ratio(scenario.by, ours[0], entry) if ours else None
        made += own
    return made


def row(scenario, server, runs, middle):
    entry = {"scenario": scenario.name, "by": scenario.by, "server": server, "rounds": len(runs)}
    entry["is_right"] = all(run["is_right"] for run in runs)
    # A wrong answer has no speed.
    entry |= results.taken(runs if entry["is_right"] else [], COLUMNS, middle)
    for column in COUNTS:
        entry[column] = sum(run[column] for run in runs)
    entry["note"] = "; ".join(notes(entry, scenario, runs))
    return entry


def notes(entry, scenario, runs):
    """What a reader has to know about this row."""
    if entry["server"] in scenario_peers.ECHOES and scenario.name in ("canonical", "infected"):
        yield "scans nothing: asked without infected bodies"
    wrong = {}
    for run in runs:
        for part in (run, run.get("beside", {})):
            for what, count in part.get("wrong", {}).items():
                wrong[what] = wrong.get(what, 0) + count
    for what, count in wrong.items():
        known = scenario_peers.KNOWN.get((entry["server"], scenario.name, what))
        yield f"{count} x {what}" + (f" ({known})" if known else "")
    if entry["unanswered"]:
        yield f"{entry['unanswered']} unanswered"
    if not entry["is_right"] and not wrong and not entry["unanswered"]:
        yield "no right answer in the time"
    last = runs[-1]
    if "beside" in last:
        yield f"beside: {sum(run['beside']['requests'] for run in runs)} large ones ended"
    idle, slow = last["idle"], last["slow"]
    if idle["wanted"]:
        yield f"{idle['served']} of {idle['wanted']} idle ones served, {idle['open']} open at the end"
        if last["server_resident_idle_bytes"] and idle["served"]:
            before, after = last["server_resident_idle_bytes"]
            yield f"{max(after - before, 0) / idle['served'] / 1e3:.1f} kB each"
    if slow["wanted"]:
        yield f"slow: {slow['right']} right, {slow['cut']} cut off, {slow['wrong']} wrong"
    if (busy := load_percent(entry)) and busy > LOAD_CPU_PERCENT_MAX:
        yield f"the generator was {busy:.0f} % busy: at least this"


def load_percent(entry):
    """The generator's share of its core, in percent."""
    if not entry["window_s"]:
        return None
    return (entry["load_user_s"] + entry["load_system_s"]) / entry["window_s"] * 100


def ratio(by, ours, other):
    """How many times better Baleen is: more of what is counted, less of what is waited."""
    if not ours[by] or not other[by]:
        return None
    return other[by] / ours[by] if by.endswith("_us") else ours[by] / other[by]


def table(entries):
    lines = [["scenario", "server", "rate/s", "req/s", "MiB/s", "CPU us/req", "CPU s/GiB", "p50 ms",
              "p99 ms", "p99.9 ms", "verdict p50 ms", "MiB RSS", "load CPU", "204/echo/block",
              "Baleen is", "note"]]
    show = results.show
    for entry in entries:
        busy = load_percent(entry)
        lines.append([
            entry["scenario"], entry["server"], show(entry["rate_per_s"], 1),
            show(entry["requests_per_s"], 1), show(entry["sent_mib_per_s"], 1),
            show(entry["server_cpu_us_per_request"], 1), show(entry["server_cpu_s_per_gib"], 3),
            show(entry["whole_p50_us"], 3, 1e3), show(entry["whole_p99_us"], 3, 1e3),
            show(entry["whole_p999_us"], 3, 1e3), show(entry["verdict_p50_us"], 3, 1e3),
            show(entry["resident_peak_bytes"], 1, 1 << 20), "-" if busy is None else f"{busy:.0f} %",
            f"{entry['no_content']}/{entry['echo']}/{entry['blocked']}",
            results.times(entry["baleen_times"]) if entry["is_right"] else "WRONG", entry["note"],
        ])
    return results.aligned(lines)


def record(folders, entries, about):
    """Writes the run; the paths."""
    columns = ["scenario", "by", "server", "rounds", "is_right", *[name for name, _ in COLUMNS],
               *COUNTS, "baleen_times", "note"]
    panels = []
    for name, by in dict.fromkeys((entry["scenario"], entry["by"]) for entry in entries):
        bars = [(entry["server"], entry[by]) for entry in entries if entry["scenario"] == name]
        panels.append(plot.Panel(name, UNITS[by], "", [("", bars)]))
    picture = plot.page("Workloads, servers on one core (log scale)", about, panels)
    return results.record(folders, "scenarios", about, columns, entries, table(entries), picture)
