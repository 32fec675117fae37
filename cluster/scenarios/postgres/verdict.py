#!/usr/bin/python3
"""What the targets say of a run, as JSON: verdict.py LAB PRIMARY RUN

PRIMARY is the region that should be primary now. Nothing here is asked of Baton: it is the client's log, the watcher's, the databases,
the zone and the backups that answer.
"""
import json
import os
import re
import subprocess
import sys

import psycopg2

LAB, PRIMARY, RUN = sys.argv[1:4]
NET = open(f"{LAB}/net").read().strip()
PLACES = {"east": 1, "west": 2}


def ask(region, statement):
    with psycopg2.connect(host=f"{NET}.{PLACES[region]}.10", port=5501, user="postgres", dbname="shop", connect_timeout=3) as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def orders():
    """The client's log against the rows of the region that is primary."""
    lines = [line.split() for line in open(f"{LAB}/orders.log")]
    acknowledged = sorted((float(answered), int(number)) for number, _, answered, status, _ in lines if status == "200")
    there = {number for number, in ask(PRIMARY, "SELECT number FROM orders")}
    missing = [(answered, number) for answered, number in acknowledged if number not in there]
    pairs = zip(acknowledged, acknowledged[1:])
    outage = max((after[0] - before[0] for before, after in pairs), default=0.0)
    refused = {int(number) for number, _, _, status, _ in lines if status != "200"}
    span = missing[-1][0] - missing[0][0] if missing else 0.0
    lost_at = float(open(f"{LAB}/lost-at").read()) if os.path.exists(f"{LAB}/lost-at") else None
    return {
        "acknowledged": len(acknowledged), "missing": len(missing), "missing_span_s": round(span, 3),
        # From the first order that is missing to the loss of the region: what the gate's number must cover.
        "missing_before_loss_s": round(lost_at - missing[0][0], 3) if missing and lost_at else 0.0,
        "outage_s": round(outage, 3), "refused": len(refused), "refused_but_there": len(refused & there),
        "acknowledged_by": sorted({region for *_, status, region in lines if status == "200"}),
    }


def watched():
    """Two primaries at one instant: west was primary between two answers of an east that was, too."""
    samples = [line.split()[2:] for line in open(f"{LAB}/watch.log")]
    both = sum(1 for sample in samples if len(sample) == 3 and sample == ["primary"] * 3)
    return {"samples": len(samples), "both_primary": both, "last": samples[-1][:2] if samples else []}


def timelines():
    """A history file is written by each promotion, and by nothing else."""
    histories = [name for name in os.listdir(f"{LAB}/{PRIMARY}/data/pg_wal") if re.fullmatch(r"[0-9A-F]{8}\.history", name)]
    return {"timeline": ask(PRIMARY, "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int")[0][0],
            "histories": len(histories)}


def backups():
    command = ["pgbackrest", f"--config={LAB}/{PRIMARY}/pgbackrest.conf", "--stanza=shop", "info", "--output=json"]
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command
    found = [one for stanza in json.loads(subprocess.check_output(command)) for one in stanza["backup"]]
    return {"all": len(found), "of_run": sum(1 for one in found if one.get("annotation", {}).get("run-id") == RUN and not one["error"])}


def dig(*question):
    return subprocess.check_output(["kdig", "+short", f"@{NET}.3.53", "-p", "5353", *question], text=True).split()


def zone():
    answer = dig("app.shop.test", "A")
    return [region for region, place in PLACES.items() if answer == [f"{NET}.{place}.30"]]


def writable():
    found = []
    for region in PLACES:
        try:
            found += [region] if not ask(region, "SELECT pg_is_in_recovery()")[0][0] else []
        except psycopg2.Error:
            pass
    return found


print(json.dumps({
    "orders": orders(), "watch": watched(), "timelines": timelines(), "backups": backups(), "zone": zone(),
    # The zone began with 1, and each change counts one.
    "zone_changes": int(dig("shop.test", "SOA")[2]) - 1, "writable": writable(),
}, indent=2))
