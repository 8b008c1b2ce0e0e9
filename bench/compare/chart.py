"""A bar chart as SVG: how many times faster Kith is than each peer, a group of bars per case."""

import html

WIDTH, LABEL, BAR, GAP = 760, 250, 16, 12


def counterpart(name, contenders):
    """Kith's own entry with as many threads as the peer of this name."""
    one = "Kith, 1 thread"
    return contenders.get(one if "1 thread" in name and one in contenders else "Kith", {})


def bars(groups, figure):
    rows, y = [], 56
    ratios = {group: [(name, figure(counterpart(name, contenders))[0] / figure(entry)[0]) for name, entry in contenders.items()
                      if not name.startswith("Kith") and figure(entry)[0]]
              for group, contenders in groups.items() if figure(contenders.get("Kith", {}))[0]}
    longest = max((ratio for list_ in ratios.values() for _, ratio in list_), default=1)
    scale = (WIDTH - LABEL - 190) / longest
    for group, list_ in ratios.items():
        if not list_:
            continue
        rows.append(f'<text x="12" y="{y + 12}" class="case">{html.escape(group)}</text>')
        y += 18
        for name, ratio in list_:
            rows.append(f'<text x="{LABEL - 8}" y="{y + 12}" class="peer">{html.escape(name)}</text>'
                        f'<rect x="{LABEL}" y="{y}" width="{max(1, ratio * scale):.1f}" height="{BAR - 2}"/>'
                        f'<text x="{LABEL + ratio * scale + 6:.1f}" y="{y + 12}">{ratio:.1f}× as fast</text>')
            y += BAR
        y += GAP
    one = LABEL + scale
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" font-family="sans-serif" font-size="12">'
            '<style>rect{fill:#2f6f9f}.case{font-weight:bold}.peer{text-anchor:end}.title{font-size:15px}text{fill:#222}</style>'
            f'<rect width="{WIDTH}" height="{y + 8}" style="fill:#fff"/>'
            '<text x="12" y="24" class="title">Kith beside its peers: same work, same cores, one run</text>'
            f'<line x1="{one:.1f}" x2="{one:.1f}" y1="40" y2="{y}" stroke="#b33" stroke-dasharray="3 3"/>'
            f'<text x="{one + 4:.1f}" y="46" style="fill:#b33">1: as fast as the peer</text>' + "".join(rows) + "</svg>\n")
