"""Answers SQL with JSON: POST a statement, get {"columns": […], "rows": [[…]]}, or 400 with Spark's complaint."""

import argparse
import datetime
import decimal
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pyspark.sql import SparkSession


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--jars", required=True)
    parser.add_argument("--conf", action="append", default=[])
    options = parser.parse_args()
    spark = start_spark(options.jars, options.conf)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            statement = self.rfile.read(int(self.headers["Content-Length"])).decode()
            try:
                frame = spark.sql(statement)
                rows = [[plain(value) for value in row] for row in frame.collect()]
                self.answer(200, json.dumps({"columns": frame.columns, "rows": rows}))
            except Exception as error:  # whatever Spark says, the client wants to read it
                self.answer(400, str(error))

        def answer(self, status, text):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


def start_spark(jars, settings):
    builder = (
        SparkSession.builder.master("local[2]")
        .appName("k2-testbed")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.jars", jars)
        # The catalog's database driver is looked up from Spark's own class loader.
        .config("spark.driver.extraClassPath", jars.replace(",", ":"))
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
    )
    for setting in settings:
        name, _, value = setting.partition("=")
        builder = builder.config(name, value)
    return builder.getOrCreate()


def plain(value):
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value


main()
