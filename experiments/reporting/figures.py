"""How figures are made and shown: style, colours, files; what they show is written in the studies."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from experiments.runtime.files import replacing

# Okabe and Ito's colours, told apart by colour-blind readers too
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "osD^vPX*"
STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def draw_all(figures: dict, lines: list[dict], folder: Path) -> list[tuple[str, str]]:
    """Writes every figure that the lines allow, as PNG and PDF; (file name, caption) of each.

    figures: name -> (lines -> a figure or None, caption).
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with plt.rc_context(STYLE):
        for name, (figure, caption) in figures.items():
            drawn = figure(lines)
            if drawn is not None:
                for ending in ("png", "pdf"):
                    with replacing(folder / f"{name}.{ending}") as draft:
                        drawn.savefig(draft, dpi=150)
                plt.close(drawn)
                made.append((f"{name}.png", caption))
    return made


def shown(made: list[tuple[str, str]]) -> list[str]:
    """The section of a report with those figures."""
    return ["## Figures", *(f"![{caption}](figures/{file})\n\n{caption}" for file, caption in made)]
