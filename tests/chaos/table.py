"""The table of what was tried, in Markdown."""

from tests.chaos.fault import Report
from tests.chaos.tally import share

HEAD = """\
| fault | s | right | refused | lost | wrong | missing | p50, ms | p99, ms | served again after, s |
|---|---:|---:|---|---:|---:|---:|---:|---:|---:|"""


def row(report: Report) -> str:
    """Return the row of a fault."""
    if report.skipped:
        return f"| {report.fault} | | | skipped: {report.skipped} | | | | | | |"
    tally = report.tally
    refused = ", ".join(f"{count:,} x {what}" for what, count in sorted(tally.refused.items()))
    again = "" if report.recovery is None else f"{report.recovery:.1f}"
    p50, p99 = (1000 * share(tally.seconds, part) for part in (0.5, 0.99))
    return (
        f"| {report.fault} | {report.seconds:.0f} | {tally.right:,} | {refused or 0} "
        f"| {tally.lost:,} | {len(tally.wrong)} | {len(tally.missing)} | {p50:.0f} | {p99:.0f} "
        f"| {again} |"
    )
