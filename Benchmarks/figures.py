"""Medians, worst values and Markdown tables."""

import statistics


def median(values):
    """The median; None, which stands for 'not within the limit', counts as longer than everything."""
    ordered = sorted(float("inf") if value is None else value for value in values)
    return statistics.median_high(ordered) if float("inf") in ordered else statistics.median(ordered)


def worst(values):
    return max(float("inf") if value is None else value for value in values)


def seconds(value, limit_s):
    return f">{limit_s}" if value is None or value == float("inf") else f"{value:.1f}"


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)
