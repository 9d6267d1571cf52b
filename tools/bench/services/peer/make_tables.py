"""Makes the tables that Iceberg's Kafka Connect sink writes to. stdin: JSON with catalog, properties, namespace, warehouse."""

import json
import sys

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import DecimalType, ListType, LongType, NestedField, StringType

COMMON = [
    ("symbol", StringType()),
    ("exchange", StringType()),
    ("asset_class", StringType()),
    ("currency", StringType()),
    ("session", StringType()),
    ("timestamp", LongType()),
    ("ingestion_timestamp", LongType()),
    ("source_sequence", LongType()),
]
PRICE = DecimalType(18, 8)
FIELDS = {
    "trades": COMMON
    + [
        ("trade_id", StringType()),
        ("price", PRICE),
        ("quantity", PRICE),
        ("side", StringType()),
        ("trade_conditions", ListType(element_id=100, element=StringType(), element_required=False)),
    ],
    "quotes": COMMON
    + [
        ("quote_id", StringType()),
        ("bid_price", PRICE),
        ("bid_quantity", PRICE),
        ("ask_price", PRICE),
        ("ask_quantity", PRICE),
    ],
}

asked = json.load(sys.stdin)
catalog = SqlCatalog(asked["catalog"], **asked["properties"])
catalog.create_namespace(asked["namespace"])
for table, fields in FIELDS.items():
    schema = Schema(*(NestedField(number, name, kind) for number, (name, kind) in enumerate(fields, 1)))
    catalog.create_table(
        f"{asked['namespace']}.{table}", schema=schema, properties={"write.parquet.compression-codec": "zstd"}
    )
