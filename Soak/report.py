"""The summary, as a table to read and as JSON."""

import collections
import os
import statistics

import figures
from plan import KINDS


def recoveries(troubles):
    """By kind of fault: how often it was made, and the seconds until devices answered, where nothing else was wrong."""
    rows = collections.defaultdict(lambda: {"devices": 0, "alone": [], "overlapped": []})
    for trouble in troubles:
        if trouble.back is not None and trouble.who != "HostA":
            row = rows[trouble.kind]
            row["devices"] += 1
            row["alone" if trouble.is_alone else "overlapped"].append(max(0, trouble.back - trouble.over))
    return rows


def _spread(values):
    if not values:
        return ["-"] * 3
    return [f"{value:.1f}" for value in (statistics.median(values), figures.quantile(values, 0.95), max(values))]


def fault_table(planned, troubles):
    rows = recoveries(troubles)
    counts = collections.Counter(fault.kind for fault in planned)
    counts["rekey"] = sum(trouble.kind == "rekey" for trouble in troubles)
    lines = []
    for kind in [*KINDS, "rekey"]:
        if counts[kind]:
            row = rows[kind]
            sentence = KINDS[kind].sentence if kind in KINDS else "operator has the key replaced"
            lines.append([sentence, counts[kind], row["devices"], *_spread(row["alone"]),
                          *_spread(row["alone"] + row["overlapped"])[1:]])
    return figures.table(["fault", "times", "devices asked", "nothing else wrong: median s", "95 %", "worst",
                          "all: 95 %", "worst"], lines)


def operation_table(outcomes):
    lines = []
    for kind in sorted({outcome.kind for outcome in outcomes}):
        of_kind = [outcome for outcome in outcomes if outcome.kind == kind]
        codes = collections.Counter("not in time" if outcome.status is None else outcome.status
                                    for outcome in of_kind if outcome.status != 0)
        took = [outcome.took_s for outcome in of_kind if outcome.status == 0]
        failed = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items(), key=str))
        lines.append([kind, len(of_kind), len(took), failed or "-", *_spread(took)])
    return figures.table(["operation", "times", "done", "failed, by status", "done: median s", "95 %", "worst"], lines)


def failure_lines(outcomes):
    """What the failed operations said, and what was wrong meanwhile; the same only once."""
    seen = collections.Counter((outcome.kind, outcome.status, outcome.around, outcome.sentence)
                               for outcome in outcomes if outcome.status != 0)
    return [f"{count} x {kind} ended with {status} during {', '.join(around) or 'nothing'}: {sentence[:160]}"
            for (kind, status, around, sentence), count in seen.most_common()]


def memory_table(agents, run_lives):
    """`agents`: those that lived from the start to the end; `run_lives`: the lives of `fleet-server run`."""
    rows = []
    for who, pairs in ((f"agent ({len(agents)} that were never killed)", list(agents.values())),
                       (f"fleet-server run ({len(run_lives)} lives of a minute or more)", run_lives)):
        if pairs:
            shares = sorted(now / was - 1 for was, now in pairs)
            rows.append([who, *(f"{statistics.median(values):.0f}" for values in zip(*pairs)),
                         f"{statistics.median(shares):+.1%}", f"{shares[-1]:+.1%}"])
    return figures.table(["private dirty memory", "at the start, KiB", "at the end, KiB", "growth, median", "most"],
                         rows)


def write(result, planned, troubles, outcomes):
    """The whole summary, to standard output."""
    print(f"{result['agents']} agents, {result['minutes']:g} minutes of faults, {result['took_s']} s in all, "
          f"seed {result['seed']}\n")
    print(fault_table(planned, troubles), end="\n\n")
    print(operation_table(outcomes), end="\n\n")
    for line in failure_lines(outcomes):
        print(line)
    print()
    print(memory_table(result["agents_kib"], result["run_kib"]), end="\n\n")
    back = result["back_after_s"]
    print(f"after the last fault: all {len(back)} answered, half within {statistics.median(back):.1f} s, "
          f"the last after {back[-1]:.1f} s")
    print("what fleet list said:", ", ".join(f"{what} {count}" for what, count in sorted(result["looks"].items())))
    print("files that removed devices left in sessions/:", result["left_by_removed_devices"])
    print(f"load of this machine: {result['most_load']:.1f} at most, on {os.cpu_count()} processors")
    print("processes:", ", ".join(f"{count} {role}" for role, count in sorted(result["processes"].items())))
    print("\nNo rule was broken." if not result["broken"] else "\nBroken:")
    for text in result["broken"]:
        print(f"- {text}")
