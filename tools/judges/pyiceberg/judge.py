"""Reads a K2 data directory with pyiceberg, which shares no code with K2, and holds what it finds against what was written.

    python judge.py --data DIR --expect FILE

DIR holds catalog.db and warehouse/. FILE is JSON, made by the writer from its batches and not from the tables:

    {"tables": {"market_data.trades": {
        "rows": 1200,
        "symbols": {"BHP": {"rows": 400, "sums": {"price": "14400.5", "size": "400"}}},
        "snapshots": {"4611686018427387905": 400},          rows in the table as of the snapshot; all of them
        "columns": ["trade_id", ...],
        "members": {"trade_conditions": 800},               elements of all lists, entries of all maps
        "filters": [{"where": "symbol == 'BHP'", "rows": 400, "prunes": true}]}}}

Every table of the catalog is also checked for bounds that do not hold. Exits 1 on any difference.
"""
import argparse
import json
import pathlib
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog

from file_faults import file_faults

failures = []


def check(what, found, expected):
    verdict = "ok" if found == expected else "WRONG"
    print(f"{verdict:5} {what}: {shorten(found)}" + ("" if verdict == "ok" else f", expected {shorten(expected)}"))
    if verdict != "ok":
        failures.append(what)


def shorten(value):
    text = str(value)
    return text if len(text) <= 160 else f"{text[:157]}..."


def judge_table(name, table, expected):
    rows = table.scan().to_arrow()
    check(f"{name}: format version", table.format_version, 2)
    check(f"{name}: rows", rows.num_rows, expected["rows"])
    check(f"{name}: columns", [field.name for field in table.schema().fields], expected["columns"])
    for column, count in expected["members"].items():
        check(f"{name}: members of {column}", sum(len(value) for value in rows[column].to_pylist() if value is not None), count)
    judge_symbols(name, rows, expected["symbols"])
    judge_snapshots(name, table, expected["snapshots"])
    for one in expected["filters"]:
        judge_filter(name, table, one)


def judge_symbols(name, rows, expected):
    check(f"{name}: symbols", sorted(pc.unique(rows["symbol"]).to_pylist()), sorted(expected))
    for symbol, wanted in expected.items():
        of_symbol = rows.filter(pc.equal(rows["symbol"], symbol))
        check(f"{name}: rows of {symbol}", of_symbol.num_rows, wanted["rows"])
        for column, total in wanted["sums"].items():
            check(f"{name}: sum of {column} of {symbol}", exact_sum(of_symbol[column]), Decimal(total))


def exact_sum(column):
    """Decimals of 38 digits: no sum of a table's decimals overflows or rounds."""
    return pc.sum(column.cast(pa.decimal128(38, 8))).as_py() or Decimal(0)


def judge_snapshots(name, table, expected):
    found = {str(snapshot.snapshot_id): table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows for snapshot in table.snapshots()}
    check(f"{name}: rows of each snapshot", found, expected)
    recorded = [str(entry.snapshot_id) for entry in table.history()]
    check(f"{name}: snapshots in the log", sorted(recorded), sorted(expected))
    silent = [str(snapshot.snapshot_id) for snapshot in table.snapshots() if "k2.progress" not in snapshot.summary.additional_properties]
    check(f"{name}: snapshots without log offsets", silent, [])


def judge_filter(name, table, one):
    scan = table.scan(row_filter=one["where"])
    planned, every = len(list(scan.plan_files())), len(list(table.scan().plan_files()))
    check(f"{name}: rows where {one['where']}", scan.to_arrow().num_rows, one["rows"])
    if one["prunes"]:
        check(f"{name}: fewer files where {one['where']} ({planned} of {every})", planned < every, True)


def judge_files(name, table):
    count, wrong = file_faults(table)
    check(f"{name}: counts and bounds of {count} files", wrong, [])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--expect", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    data = options.data.resolve()
    expected = json.loads(options.expect.read_text("utf-8"))["tables"]

    catalog = SqlCatalog("k2", uri=f"sqlite:///{data / 'catalog.db'}", warehouse=f"file://{data / 'warehouse'}")
    found = [".".join(name) for namespace in catalog.list_namespaces() for name in catalog.list_tables(namespace)]
    check("tables", sorted(set(expected) - set(found)), [])
    for name in sorted(found):
        table = catalog.load_table(name)
        if name in expected:
            judge_table(name, table, expected[name])
        judge_files(name, table)

    print(f"\n{len(failures)} differences" if failures else "\npyiceberg agrees")
    sys.exit(1 if failures else 0)


main()
