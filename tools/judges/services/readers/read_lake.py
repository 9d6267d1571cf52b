"""Answers questions about tables of a catalog with pyiceberg, which shares no code with K2.

Reads one JSON document from stdin and writes one to stdout:

    {"name": "k2", "properties": {…}, "questions": [{"table", "snapshotId", "sums", "filter"}]}
    [{"facts": {…}, "pruning": {…}, "fileFaults": […]}]

Questions and facts are those of facts.ts; fileFaults is of the newest snapshot only, and empty of others.
"""
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "pyiceberg"))
from file_faults import file_faults  # noqa: E402


def reading(table, question):
    snapshot_id = None if question["snapshotId"] is None else int(question["snapshotId"])
    rows = table.scan(snapshot_id=snapshot_id).to_arrow()
    time = pc.min_max(micros(rows["timestamp"])).as_py()
    filtered, pruning = filtered_rows(table, question["filter"], snapshot_id)
    return {
        "facts": {
            # Of the manifests; the values below are of the files.
            "rows": sum(task.file.record_count for task in table.scan(snapshot_id=snapshot_id).plan_files()),
            "minUs": time["min"],
            "maxUs": time["max"],
            "groups": dict(groups(rows, question["sums"])),
            "filteredRows": filtered,
        },
        "pruning": pruning,
        "fileFaults": file_faults(table)[1] if snapshot_id is None else [],
    }


def groups(rows, columns):
    """Decimals of 38 digits: no sum of a table's decimals overflows or rounds."""
    plain = pa.table(
        {
            "exchange": rows["exchange"],
            "symbol": rows["symbol"],
            "time": micros(rows["timestamp"]),
            **{f"sum {index}": rows[name].cast(pa.decimal128(38, 8)) for index, name in enumerate(columns)},
        }
    )
    sums = [(f"sum {index}", "sum") for index in range(len(columns))]
    grouped = plain.group_by(["exchange", "symbol"]).aggregate([([], "count_all"), ("time", "min"), ("time", "max"), *sums])
    for row in grouped.to_pylist():
        totals = [f"{row[f'sum {index}_sum']:f}" for index in range(len(columns))]
        yield f"{row['exchange']}/{row['symbol']}", {"rows": row["count_all"], "minUs": row["time_min"], "maxUs": row["time_max"], "sums": totals}


def micros(column):
    return column.cast(pa.int64())


def filtered_rows(table, wanted, snapshot_id):
    seconds, rest = divmod(wanted["fromUs"], 1_000_000)
    since = pa.scalar(seconds * 1_000_000 + rest, pa.timestamp("us", "UTC")).as_py().isoformat()
    where = f"exchange == '{wanted['exchange']}' and symbol == '{wanted['symbol']}' and timestamp >= '{since}'"
    scan = table.scan(row_filter=where, snapshot_id=snapshot_id)
    read, every = len(list(scan.plan_files())), len(list(table.scan(snapshot_id=snapshot_id).plan_files()))
    return scan.to_arrow().num_rows, {"unit": "files", "read": read, "all": every}


def main():
    asked = json.load(sys.stdin)
    catalog = SqlCatalog(asked["name"], **asked["properties"])
    answers = [reading(catalog.load_table(question["table"]), question) for question in asked["questions"]]
    json.dump(answers, sys.stdout)


main()
