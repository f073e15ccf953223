"""Bars on a log scale as one SVG page: panels with axes, groups of bars, a colour for each series.

Pure: from numbers to text. A value that is not there is drawn as the word for why.
"""

import math

PANEL_WIDTH, PANEL_HEIGHT, PANEL_GAP = 400, 220, 100
LEFT, TOP, BOTTOM, LINE_GAP = 80, 90, 20, 90
PER_LINE = 3
SERIES_WIDTH = 170

COLOURS = {
    "baleen": "#0b6e99", "c-icap echo": "#c98a2b", "c-icap virus_scan": "#a63d40",
    "c-icap libclamav": "#6f4a8e", "e2guardian": "#4f7942", "exav": "#8a6d3b",
    "squid alone": "#777777",
}


class Panel:
    """One set of axes: a name, what is measured, what the groups are, and the groups.

    `groups` is a list of (label, [(series, value or None)]).
    """

    def __init__(self, name, unit, across, groups):
        self.name = name
        self.unit = unit
        self.across = across
        self.groups = groups

    def values(self):
        return [value for _, bars in self.groups for _, value in bars if value]


def page(title, about, panels):
    """The whole picture; `about` are the facts of the run."""
    lines = math.ceil(len(panels) / PER_LINE)
    across = max(min(len(panels), PER_LINE), 2)
    width = LEFT + across * (PANEL_WIDTH + PANEL_GAP)
    height = TOP + lines * (PANEL_HEIGHT + LINE_GAP) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(LEFT, 28, title, size=18),
        text(LEFT, 48, f"{about['cpu']}, Linux {about['kernel']}, {about['date']}, "
                       f"commit {about['commit']}, median of {about['rounds']}", fill="#555555"),
    ]
    series = dict.fromkeys(
        name for one in panels for _, bars in one.groups for name, _ in bars)
    for index, name in enumerate(series):
        x = LEFT + index * SERIES_WIDTH
        parts.append(f'<rect x="{x}" y="60" width="12" height="12" fill="{colour(name)}"/>')
        parts.append(text(x + 18, 71, name))
    for index, one in enumerate(panels):
        x = LEFT + index % PER_LINE * (PANEL_WIDTH + PANEL_GAP)
        y = TOP + 20 + index // PER_LINE * (PANEL_HEIGHT + LINE_GAP)
        parts += draw(x, y, one)
    return "\n".join(parts + ["</svg>", ""])


def draw(x, y, panel):
    """The axes and bars of one panel, its upper left corner at x, y."""
    values = panel.values()
    low = math.floor(math.log10(min(values, default=1)))
    high = max(math.ceil(math.log10(max(values, default=10)) + 0.1), low + 1)
    bottom = y + PANEL_HEIGHT

    def level(value):
        return bottom - (math.log10(value) - low) / (high - low) * PANEL_HEIGHT

    parts = [text(x, y - 10, panel.name, size=13)]
    for power in range(low, high + 1):
        at = level(10.0**power)
        parts.append(f'<line x1="{x}" y1="{at:.1f}" x2="{x + PANEL_WIDTH}" y2="{at:.1f}" '
                     'stroke="#dddddd"/>')
        label = f"{10.0**power:g}" if power < 0 else f"{10**power:,}"
        parts.append(text(x - 6, at + 4, label, anchor="end"))
    parts.append(f'<line x1="{x}" y1="{y}" x2="{x}" y2="{bottom}" stroke="#333333"/>')
    parts.append(f'<line x1="{x}" y1="{bottom}" x2="{x + PANEL_WIDTH}" y2="{bottom}" '
                 'stroke="#333333"/>')
    room = PANEL_WIDTH / len(panel.groups)
    for index, (label, bars) in enumerate(panel.groups):
        parts += group(x + index * room, bottom, room, bars, level)
        parts.append(text(x + (index + 0.5) * room, bottom + 16, label, anchor="middle"))
    parts.append(text(x + PANEL_WIDTH / 2, bottom + 34, panel.across, anchor="middle",
                      fill="#555555"))
    parts.append(f'<text x="{x - 58}" y="{y + PANEL_HEIGHT / 2}" text-anchor="middle" '
                 f'fill="#555555" transform="rotate(-90 {x - 58} {y + PANEL_HEIGHT / 2})">'
                 f'{escaped(panel.unit)}</text>')
    return parts


def group(left, bottom, room, bars, level):
    """The bars of one group, in the middle of its room."""
    wide = min(room * 0.8 / len(bars), 60)
    start = left + (room - wide * len(bars)) / 2
    parts = []
    for number, (name, value) in enumerate(bars):
        at = start + number * wide
        top = level(value) if value else bottom
        if value:
            parts.append(f'<rect x="{at:.1f}" y="{top:.1f}" width="{wide - 4:.1f}" '
                         f'height="{bottom - top:.1f}" fill="{colour(name)}"/>')
        label = compact(value) if value else "wrong"
        parts.append(text(at + wide / 2 - 2, top - 4, label, anchor="middle", size=10))
    return parts


def text(x, y, content, anchor="start", size=12, fill="#222222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{fill}">{escaped(content)}</text>')


def escaped(content):
    return content.replace("&", "&amp;").replace("<", "&lt;")


def colour(series):
    """The colour of a series: by its name, or by the server named last in it."""
    return COLOURS.get(series) or COLOURS.get(series.rpartition("+ ")[2], "#666666")


def compact(value):
    for divisor, unit in ((1e6, "M"), (1e3, "k")):
        if value >= divisor:
            return f"{value / divisor:.1f}{unit}"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
